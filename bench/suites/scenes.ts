/** Which rollouts are played over which links, and at which pace. */
import { paced, withFrontEnd, type Pace } from '../engine/cost.ts';
import type { RolloutName } from '../../packages/server/src/workloads/rollouts.ts';

/** One rollout over one link. */
export interface Scene {
  readonly workload: RolloutName;
  readonly rttMs: number;
  readonly paceName: string;
  readonly pace: Pace;
  /** Pause before each turn; `recorded` takes the workload's own, cut off at two seconds. */
  readonly gapMs: number | 'recorded';
  /** Whether HTTP with a new connection for each turn plays too: the slowest way, for which all others wait. */
  readonly withNewConnections: boolean;
}

/** What a user asked for in place of the scenes that come along: each with each. */
export interface SceneChoice {
  readonly workloads: readonly RolloutName[];
  readonly rttsMs: readonly number[];
  readonly tokensPerSecond: readonly number[];
}

/** The rollout that goals are about, its links and its pace: what the default run plays. */
export const goalScenes: SceneChoice = { workloads: ['coding-87'], rttsMs: [0, 20, 80], tokensPerSecond: [1000] };

/** Tools of 300 ms: longer than TCP keeps its window on these links. */
const gapMs = 300;

/** Each rollout on each link at each pace. */
export function combine(choice: SceneChoice, withNewConnections: boolean): Scene[] {
  return choice.workloads.flatMap((workload) =>
    choice.tokensPerSecond.flatMap((rate) =>
      choice.rttsMs.map((rttMs) => ({ ...toScene(workload, rttMs, withFrontEnd(rate)), withNewConnections })),
    ),
  );
}

/** Rates, round trips, front ends from free to slow, and four lengths: about forty minutes. */
export function fullScenes(): Scene[] {
  const { workloads, rttsMs, tokensPerSecond } = goalScenes;
  const sweep = [0, 2_000_000].map((frontEnd) => toScene('coding-87', 20, withFrontEnd(1000, frontEnd)));
  const slow = toScene('airline-27', 20, withFrontEnd(65));
  const patient: Scene = { ...toScene('coding-30', 80, withFrontEnd(1000)), gapMs: 'recorded' };
  return [
    ...combine({ workloads: [...workloads, 'coding-90'], rttsMs, tokensPerSecond: [...tokensPerSecond, 4000] }, true),
    ...combine({ workloads: ['coding-30', 'coding-170'], rttsMs, tokensPerSecond }, true),
    // Without a front end only the way is left to differ.
    ...rttsMs.map((rttMs) => toScene('coding-87', rttMs, paced(1000))),
    ...sweep,
    slow,
    patient,
  ];
}

/** A scene in words. */
export function toTitle({ workload, rttMs, paceName, gapMs: gap }: Scene): string {
  return `${workload}, ${paceName}, RTT ${rttMs} ms, ${gap === 'recorded' ? 'recorded' : `${gap} ms`} tools`;
}

/** A scene as ids of figures have it. */
export function toKey({ workload, rttMs, pace, gapMs: gap }: Scene): string {
  const frontEnd = hasFrontEnd(pace) ? pace.frontEndPerSecond : 'none';
  return `${workload}.${rttMs}.${pace.tokensPerSecond}.${frontEnd}.${gap}`;
}

function toScene(workload: RolloutName, rttMs: number, pace: Pace): Scene {
  return { workload, rttMs, pace, paceName: toPaceName(pace), gapMs, withNewConnections: true };
}

/** Whether a request costs the engine anything besides its output: a front end may still be free. */
function hasFrontEnd({ fixedMs }: Pace): boolean {
  return fixedMs > 0;
}

function toPaceName(pace: Pace): string {
  const { tokensPerSecond, frontEndPerSecond } = pace;
  const rate = `${tokensPerSecond.toLocaleString('en')} tokens a second`;
  if (!hasFrontEnd(pace)) return `${rate}, no front end`;
  if (frontEndPerSecond === 500_000) return rate;
  return `${rate}, front end ${frontEndPerSecond === 0 ? 'free' : `${frontEndPerSecond / 1e6}M tokens a second`}`;
}
