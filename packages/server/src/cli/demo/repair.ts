/** `longwire demo --agent`: the built-in model repairs a file, and the test has the last word. */
import { connect } from '@longwire/client';
import { dim, printable } from '../chat-view.ts';
import type { Sink } from '../io.ts';
import { runAgent, type AgentStep } from './agent.ts';
import { brokenFile, Scratch, scratchTools } from './scratch.ts';
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
    const lane = connection.lane();
    const call = scratch.call.bind(scratch);
    const options = { lane, model: server.model, instructions, prompt, tools: scratchTools, call, maxSteps };
    const startMs = nowMs();
    let [steps, isDone] = [0, false];
    for await (const step of runAgent(options, signal)) {
      steps += 1;
      isDone = step.calls.length === 0;
      say(`\n${toText(step, steps, colour)}`);
    }
    const took = `${steps} turns and ${toSeconds(nowMs() - startMs)}`;
    showFile();
    const { passed, output } = await scratch.test(signal);
    say(`\nThe test, run once more: ${output.replaceAll('\n', '; ')}`);
    if (passed) say(`Repaired in ${took}.`);
    else say(`Not repaired: the model ${isDone ? 'was done' : 'was stopped'} after ${took}.`);
    return passed;
  } finally {
    connection.close();
    signal.throwIfAborted();
  }
}

function toText({ response: { usage }, calls, text }: AgentStep, step: number, colour: boolean): string {
  const counts = usage && `${usage.input_tokens} tokens in, ${usage.input_tokens_details.cached_tokens} of them cached`;
  const said = printable(text).trim();
  const lines = calls.map(({ name, args, output }) => `${printable(name)} ${printable(args)}\n${indented(output)}`);
  const body = [...(said === '' ? [] : [said]), ...lines].join('\n');
  return `${dim(`Turn ${step}: ${counts ?? 'no usage'}`, colour)}\n${body}`;
}

function indented(text: string): string {
  return printable(text).trimEnd().replaceAll(/^/gm, '    ');
}
