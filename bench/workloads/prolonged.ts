/** A workload that goes on at its full length: percentiles of a turn behind a long history need many such turns. */
import type { Item } from '@longwire/protocol';
import type { Rollout } from '../../packages/server/src/workloads/coding.ts';

const newTokens = 20;

/** The rollout, and so many turns more: a short question each, answered as its last turn is. */
export function prolong(rollout: Rollout, name: string, turns: number): Rollout {
  const last = rollout.turns.at(-1);
  if (!last) throw new Error(`${rollout.name} has no turn to go on from.`);
  const text = 'Go on. '.padEnd(newTokens * 4, 'And on. ');
  const input = [{ type: 'message', role: 'user', content: [{ type: 'input_text', text }] } as Item];
  // A call that nobody answers would be an error of the next turn.
  const output = last.output.filter(({ type }) => type !== 'function_call');
  const more = Array.from({ length: turns }, (_, index) => ({
    input,
    output,
    contextTokens: last.contextTokens + (index + 1) * (newTokens + last.outputTokens),
    newTokens,
    outputTokens: last.outputTokens,
  }));
  return {
    ...rollout,
    name,
    turns: [...rollout.turns.slice(0, -1), { ...last, output }, ...more],
    gapsMs: [...rollout.gapsMs, ...more.map(() => 0)],
  };
}
