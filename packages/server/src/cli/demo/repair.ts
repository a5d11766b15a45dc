/** `longwire demo --agent`: the built-in model repairs a file, and the test has the last word. */
import { connect, runTools } from '@longwire/client';
import type { RunEvent } from '@longwire/client';
import type { OutputItem } from '@longwire/protocol';
import { dim, printable } from '../chat-view.ts';
import type { Sink } from '../io.ts';
import { brokenFile, Scratch } from './scratch.ts';
import { startDemoServer } from './server.ts';
import { toSeconds } from './units.ts';

/** How far the agent may go, and where it is shown. */
export interface RepairOptions {
  readonly maxSteps: number;
  readonly out: Sink;
  readonly colour: boolean;
  readonly nowMs: () => number;
}

/** Words that the demo model was trained on (models/tiny-demo/README.md): a real model needs no such care. */
const instructions = 'You are a helpful coding agent.';
const prompt = 'Fix the failing test.';

/** Whether the test passes in the end, whatever the model says. Throws what a turn throws, and the signal's reason. */
export async function repair({ maxSteps, out, colour, nowMs }: RepairOptions, signal: AbortSignal): Promise<boolean> {
  using scratch = new Scratch();
  await using server = await startDemoServer(['--model', 'demo']);
  const connection = await connect({ baseUrl: server.url, signal });
  const say = (text: string): void => out.write(`${text}\n`);
  const showFile = (): void => say(`\n${brokenFile}\n${indented(scratch.read(brokenFile))}`);
  try {
    say(`"${prompt}", said to ${server.model} (3.9M parameters) over one WebSocket; at most ${maxSteps} turns.`);
    showFile();
    const run = runTools({
      lane: connection.lane(),
      model: server.model,
      instructions,
      input: prompt,
      tools: scratch.tools,
      maxSteps,
      signal,
    });
    const startMs = nowMs();
    for await (const event of run) out.write(toText(event, colour));
    const { steps, stop } = await run.result();
    const took = `${steps} turns and ${toSeconds(nowMs() - startMs)}`;
    showFile();
    const { passed, output } = await scratch.test(signal);
    say(`\nThe test, run once more: ${output.replaceAll('\n', '; ')}`);
    if (passed) say(`Repaired in ${took}.`);
    else say(`Not repaired: the model ${stop === 'done' ? 'was done' : 'was stopped'} after ${took}.`);
    return passed;
  } finally {
    connection.close();
    signal.throwIfAborted();
  }
}

function toText(event: RunEvent, colour: boolean): string {
  if (event.type === 'tool.output') {
    const { call, output } = event;
    const text = typeof output === 'string' ? output : JSON.stringify(output);
    return `${printable(call.name)} ${printable(call.arguments)}\n${indented(text)}\n`;
  }
  if (event.type !== 'turn.end') return '';
  const { usage, output } = event.response;
  const counts = usage && `${usage.input_tokens} tokens in, ${usage.input_tokens_details.cached_tokens} of them cached`;
  const said = printable(output.map(textOf).join('')).trim();
  return `\n${dim(`Turn ${event.step}: ${counts ?? 'no usage'}`, colour)}\n${said === '' ? '' : `${said}\n`}`;
}

function textOf(item: OutputItem): string {
  if (item.type !== 'message') return '';
  return item.content.map((part) => (part.type === 'output_text' ? part.text : part.refusal)).join('');
}

function indented(text: string): string {
  return printable(text).trimEnd().replaceAll(/^/gm, '    ');
}
