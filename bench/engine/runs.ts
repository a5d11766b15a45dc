/** Which turn a body asks for, without parsing it: history is hundreds of kilobytes. */

const role = Buffer.from('"role":"');
const assistant = Buffer.from('assistant"');

/** How often the assistant has spoken. Inside strings the quotes are escaped, so content cannot be taken for a role. */
export function countAssistantRuns(body: Buffer): number {
  let runs = 0;
  let wasAssistant = false;
  for (let at = body.indexOf(role); at >= 0; at = body.indexOf(role, at + 1)) {
    const start = at + role.length;
    const isAssistant = body.subarray(start, start + assistant.length).equals(assistant);
    if (isAssistant && !wasAssistant) runs++;
    wasAssistant = isAssistant;
  }
  return runs;
}

/** The same of a Responses body, whose calls are items of their own and say no role. */
export function countOutputRuns(body: Buffer): number {
  let runs = 0;
  let wasModel = false;
  for (const [, speaker = ''] of body
    .toString('latin1')
    .matchAll(/"(?:role|type)":"(user|assistant|function_call(?:_output)?)"/g)) {
    const isModel = speaker === 'assistant' || speaker === 'function_call';
    if (isModel && !wasModel) runs++;
    wasModel = isModel;
  }
  return runs;
}
