/** Coding rollouts with the sizes of real sessions (shapes.jsonl) and made-up words: the same bytes on every machine. */
import { readFileSync } from 'node:fs';
import type { Item, OutputItem, Tool } from '@longwire/protocol';
import type { Workload, WorkloadTurn } from '../engine/scripted/workload.ts';
import { createRandom, type Random } from './random.ts';
import { toProse } from './prose.ts';

/** A rollout and the pauses before its turns. */
export interface Rollout extends Workload {
  /** Milliseconds that the tools before turn k took, cut off at 2,000. */
  readonly gapsMs: readonly number[];
}

/** The sizes of a session, without a word of it. */
export interface Shape {
  readonly name: string;
  /** Context tokens, output tokens, gap in ms, 1 where the turn ended with a tool call. */
  readonly turns: readonly (readonly [number, number, number, 0 | 1])[];
}

/** Names of the rollouts that can be made. */
export const codingNames = ['coding-30', 'coding-87', 'coding-90', 'coding-170'] as const;

/** Where a rollout ends at the latest: longer sessions have their growth scaled down to it. */
export const maxContextTokens = 105_000;
/** What Codex's own tools and instructions weigh on the wire (dossier 0.3); a client sends them with every frame. */
const toolBytes = 17_800;
const instructionBytes = 4_000;

/** Ends the name of a rollout whose answers are a few tokens: what a turn costs besides its events. Its contexts are as long. */
const briefSuffix = '-brief';
const briefTokens = 8;

/** The rollout of that name. Throws an `Error` for a name that shapes.jsonl does not have. */
export function createCodingRollout(name: string): Rollout {
  const shapeName = name.endsWith(briefSuffix) ? name.slice(0, -briefSuffix.length) : name;
  const lines = readFileSync(new URL('./shapes.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  const shape = lines.map((line) => JSON.parse(line) as Shape).find((each) => each.name === shapeName);
  if (!shape) throw new Error(`There is no rollout ${name}: choose one of ${codingNames.join(', ')}.`);
  if (shapeName === name) return toRollout(shape);
  const turns = shape.turns.map(([context, , gap, call]) => [context, briefTokens, gap, call] as const);
  return toRollout({ ...shape, name, turns });
}

/** Whether `createCodingRollout` knows the name. */
export function isCodingName(name: string): boolean {
  return codingNames.some((known) => name === known || name === known + briefSuffix);
}

/** A rollout of these sizes: the words are made up, and for one name always the same. */
export function toRollout(shape: Shape): Rollout {
  const random = createRandom(shape.name);
  const contexts = toContexts(shape);
  const turns: WorkloadTurn[] = [];
  let callId: string | null = null;
  for (const [index, [, outputTokens, , endsWithCall]] of shape.turns.entries()) {
    const contextTokens = contexts[index] ?? 0;
    const before = index === 0 ? 0 : (contexts[index - 1] ?? 0) + (shape.turns[index - 1]?.[1] ?? 0);
    const newTokens = Math.max(20, contextTokens - before);
    const input = toInput(random, newTokens, callId);
    const call: string | null = endsWithCall === 1 ? `call_${shape.name}_${index}` : null;
    turns.push({ input, output: toOutput(random, outputTokens, call), contextTokens, newTokens, outputTokens });
    callId = call;
  }
  return {
    name: shape.name,
    instructions: toProse(random, instructionBytes / 4),
    tools: toTools(random),
    turns,
    gapsMs: shape.turns.map((_, index) => shape.turns[index - 1]?.[2] ?? 0),
  };
}

/** Context tokens of each turn. Growth is scaled where the session ends beyond `maxContextTokens`; a context never shrinks. */
function toContexts({ turns }: Shape): number[] {
  const first = turns[0]?.[0] ?? 0;
  const last = turns.at(-1)?.[0] ?? first;
  const scale = last > maxContextTokens ? (maxContextTokens - first) / (last - first) : 1;
  let least = 0;
  return turns.map(([contextTokens]) => {
    least = Math.max(least, Math.round(first + (contextTokens - first) * scale));
    return least;
  });
}

function toInput(random: Random, tokens: number, callId: string | null): Item[] {
  const text = toProse(random, tokens);
  if (callId !== null) return [{ type: 'function_call_output', call_id: callId, output: text } as Item];
  return [{ type: 'message', role: 'user', content: [{ type: 'input_text', text }] } as Item];
}

/** A sentence and a call with the rest of the tokens as arguments, as coding agents write it; prose only where no call ends the turn. */
function toOutput(random: Random, tokens: number, callId: string | null): OutputItem[] {
  const said = callId === null ? tokens : Math.min(24, Math.ceil(tokens / 4));
  const content = [{ type: 'output_text', text: toProse(random, said), annotations: [], logprobs: [] }];
  const message = { type: 'message', id: '', status: 'completed', role: 'assistant', content } as unknown as OutputItem;
  if (callId === null) return [message];
  const args = JSON.stringify({ command: toProse(random, Math.max(4, tokens - said - 8)) });
  const call = { type: 'function_call', id: '', status: 'completed', call_id: callId, name: 'shell', arguments: args };
  return [message, call as unknown as OutputItem];
}

function toTools(random: Random): Tool[] {
  const describe = (name: string, bytes: number): Tool => ({
    type: 'function',
    name,
    description: toProse(random, bytes / 4),
    strict: false,
    parameters: { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] },
  });
  const names = ['shell', 'apply_patch', 'read_file', 'search', 'update_plan', 'view_image'];
  return names.map((name) => describe(name, toolBytes / names.length - 150));
}
