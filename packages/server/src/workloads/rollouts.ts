/** The rollouts that come with Longwire, by name. */
import { fileURLToPath } from 'node:url';
import { readWorkload } from '../engine/scripted/workload.ts';
import { codingNames, createCodingRollout, type Rollout } from './coding.ts';

export type { Rollout } from './coding.ts';

/** `airline-27` is a recorded customer service; the others are made up, with the sizes of recorded coding sessions. */
export const rolloutNames = ['airline-27', ...codingNames] as const;
export type RolloutName = (typeof rolloutNames)[number];

/** Whether a word is the name of a rollout that comes along. */
export function isRolloutName(word: string): word is RolloutName {
  return rolloutNames.some((name) => name === word);
}

/** The rollout of that name: 30 turns and 27 tool calls for `airline-27`, 87 and 68 for `coding-87`. */
export function loadRollout(name: RolloutName): Rollout {
  if (name !== 'airline-27') return createCodingRollout(name);
  const workload = readWorkload(fileURLToPath(new URL('./airline-27.jsonl', import.meta.url)));
  return { ...workload, gapsMs: workload.turns.map(() => 0) };
}
