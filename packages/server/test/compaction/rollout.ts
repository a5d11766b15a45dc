/** A long coding session: the sizes are those of a real one (fixtures/NOTICE), the text is made up. */
import { readFileSync } from 'node:fs';
import type { Item } from '@longwire/protocol';
import type { EngineEvent } from '../../src/engine/engine.ts';
import { recite, type Step } from './world.ts';

type Sizes = [newTokens: number, outputTokens: number, endedWithToolUse: 0 | 1];

/** New tokens beyond this are the whole prompt sent again, or one huge file: as good as its first part here. */
const longestNew = 6000;
const lines = readFileSync(new URL('fixtures/rollout-sizes.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n');
const sizes = lines.slice(1).map((line) => JSON.parse(line) as Sizes);

/** Turns of the session; the turn behind the last asks for a report. */
export const turns = sizes.length;

/** The facts that the session brings up to a turn. */
export const factsUpTo = (turn: number): string =>
  Array.from({ length: turn }, (_, index) => `fact-${index}`).join(' ');

/** What the client adds in a turn, given what the model said last. */
export function inputOf(turn: number, output: readonly Item[]): Item[] {
  const news = turn < turns ? `fact-${turn} ${filler(sizes[turn]?.[0] ?? 0)}` : 'Report.';
  const answers = output.flatMap((item): Item[] =>
    item.type === 'function_call' ? [{ type: 'function_call_output', call_id: item.call_id, output: news }] : [],
  );
  const orders: Item[] = turn === 0 ? [{ type: 'message', role: 'developer', content: 'Never touch the tests.' }] : [];
  return answers.length > 0 ? answers : [...orders, { type: 'message', role: 'user', content: news }];
}

/** The model of the session: calls a tool or talks as the real one did, and reports at the end. */
export function createStep(): Step {
  return (facts, turn): readonly EngineEvent[] => {
    const size = sizes[turn];
    if (!size) return recite(facts, turn);
    const delta = filler(size[1]);
    if (size[2] === 0) return [{ type: 'text.delta', delta }];
    const call: EngineEvent = { type: 'call.start', kind: 'function', name: 'shell', callId: `call_${turn}` };
    return [call, { type: 'call.delta', delta: JSON.stringify({ command: delta }) }, { type: 'item.end' }];
  };
}

function filler(tokens: number): string {
  return 'work'.repeat(Math.min(tokens, longestNew));
}
