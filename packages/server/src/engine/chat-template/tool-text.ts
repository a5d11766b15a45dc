/** Tools for templates that know none: shown in the system prompt, calls and results written as text in the form that we parse. */
import type { ChatMessage } from './messages.ts';
import type { TemplateVariables } from './rendering.ts';

/** Calls and results as plain messages. */
export function writeToolsAsText(messages: readonly ChatMessage[]): ChatMessage[] {
  return messages.map((message) => {
    if (message.role === 'tool')
      return { role: 'user', content: `<tool_response>\n${message.content}\n</tool_response>` };
    if (message.tool_calls === undefined) return message;
    const calls = message.tool_calls.map(
      (call) => `<tool_call>\n{"name": "${call.function.name}", "arguments": ${call.function.arguments}}\n</tool_call>`,
    );
    return { role: 'assistant', content: [message.content, ...calls].filter((text) => text !== '').join('\n') };
  });
}

/** The tools at the end of the system prompt; nothing where there are none. */
export function describeTools(messages: readonly ChatMessage[], variables: TemplateVariables): readonly ChatMessage[] {
  if (variables.tools.length === 0) return messages;
  const text = [
    'You can call these functions, described as JSON, one a line:',
    ...variables.tools.map((tool) => JSON.stringify(tool.function)),
    'To call one, answer with <tool_call>\n{"name": "...", "arguments": {...}}\n</tool_call>',
    ...(variables.toolChoice === null ? [] : [`Tool choice: ${variables.toolChoice}`]),
  ].join('\n');
  const [first, ...others] = messages;
  if (first?.role !== 'system') return [{ role: 'system', content: text }, ...messages];
  return [{ ...first, content: `${first.content}\n\n${text}` }, ...others];
}
