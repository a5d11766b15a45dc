/** What the model of these checks does: it runs a command, reads the result, and reports; turn by turn of a chain. */

/** What the command prints. Only a shell that ran it can know the sum. */
export const printed = 'longwire-42';
/** The messages that end the user's turns, in the order of the chain. */
export const messages = [
  'The command has run.',
  'A second turn on the same socket.',
  'The command has run again.',
] as const;

/** Where the command leaves a line each time it runs, in the folder that it runs in. */
export const runsFile = 'runs.txt';

const command = `echo ran >> ${runsFile}; echo longwire-$((40+2))`;

/** What a model says that has no tools. */
export const talk = ['The first answer.', 'The second answer.', 'The third answer.'] as const;

/** A workload file for `longwire serve --scripted`. Its model is called `acceptance`. */
export function renderWorkload(): string {
  return render([call('call_one'), say(messages[0]), say(messages[1]), call('call_two'), say(messages[2])]);
}

/** The same for a model that only talks. */
export function renderTalk(): string {
  return render(talk.map(say));
}

function render(turns: readonly object[]): string {
  const lines = [
    { kind: 'header', name: 'acceptance' },
    ...turns.map((output) => ({
      kind: 'turn',
      output: [output],
      context_tokens: 100,
      new_tokens: 20,
      output_tokens: 10,
    })),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** Codex' tool for shell commands. */
function call(callId: string): object {
  return {
    type: 'function_call',
    id: `fc_${callId}`,
    call_id: callId,
    name: 'exec_command',
    arguments: JSON.stringify({ cmd: command }),
    status: 'completed',
  };
}

function say(text: string): object {
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }];
  return { type: 'message', id: 'msg_0', role: 'assistant', status: 'completed', content };
}
