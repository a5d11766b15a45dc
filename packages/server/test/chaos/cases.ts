/** All that can go wrong once: every fault at every frame of the rollout, in both directions, and series of faults drawn by a seed. */
import { Random } from '../../../../fuzz/random.ts';
import { faultWords, formatFault, toFault } from '../../src/chaos/fault.ts';
import type { Direction, Fault, FaultWord } from '../../src/chaos/fault.ts';
import type { Plan } from '../../src/chaos/plan.ts';
import { countFaults, findFlaws } from './flaws.ts';
import { playTrial } from './trial.ts';
import type { Peer, Trial } from './trial.ts';

/** One trial to make. */
export interface Case {
  readonly peer: Peer;
  /** Cases of a group differ by the frame only: `cut down`, `series`. */
  readonly group: string;
  readonly plan: Partial<Plan>;
}

/** What came of a case. */
export interface CaseResult {
  readonly case: Case;
  /** Null where the trial itself broke off. */
  readonly trial: Trial | null;
  readonly flaws: readonly string[];
  /** Whether anything went wrong: acknowledgements are not as many in each run, so the last frames of a direction may not come. */
  readonly isHit: boolean;
}

const delayMs = 20;
/** Of those faults that end a connection or not, as they come. */
const seriesKinds: readonly FaultWord[] = ['cut', 'cut-after', 'reset', 'close', 'truncate', 'duplicate'];
const seriesFaults = 5;

/** One fault at one frame, for all of them. */
export function listSingleFaults(peer: Peer, uncut: Trial): Case[] {
  const [frames] = uncut.connections;
  const [framesUp, framesDown] = [frames?.up ?? 0, frames?.down ?? 0];
  const singles = (['up', 'down'] as const).flatMap((direction) =>
    faultWords.flatMap((word) => {
      const fault = toFault(word, word === 'delay' ? delayMs : null);
      if (fault === null) return [];
      return Array.from({ length: direction === 'up' ? framesUp : framesDown }, (_, index) =>
        toSingle(peer, `${word} ${direction}`, fault, direction, index + 1),
      );
    }),
  );
  // The way back is not always open at once.
  const refused = Array.from({ length: framesDown }, (_, index) => {
    const { plan } = toSingle(peer, '', { kind: 'cut', after: false }, 'down', index + 1);
    return { peer, group: 'cut down, refused', plan: { ...plan, refusals: [{ status: 503, connection: 2 }] } };
  });
  return [...singles, ...refused];
}

function toSingle(peer: Peer, group: string, fault: Fault, direction: Direction, frame: number): Case {
  return { peer, group, plan: { faults: [{ fault, at: { connection: 1, direction, frame } }] } };
}

/** Faults one after the other, on whatever connection it is by then. */
export function listSeries(peer: Peer, firstSeed: number, count: number): Case[] {
  return Array.from({ length: count }, (_, index) => ({
    peer,
    group: 'series',
    plan: { random: { seed: firstSeed + index, probability: 0.03, kinds: seriesKinds, times: seriesFaults } },
  }));
}

/** So many cases of each group, chosen by a seed. */
export function sampleCases(cases: readonly Case[], perGroup: number, seed: number): Case[] {
  const random = new Random(seed);
  const groups = Map.groupBy(cases, ({ group }) => group);
  return [...groups.values()].flatMap((group) => {
    const left = [...group];
    return Array.from({ length: Math.min(perGroup, left.length) }, () =>
      left.splice(random.below(left.length), 1),
    ).flat();
  });
}

/** Plays them, some at a time, and tells of each as it ends. */
export async function playCases(
  cases: readonly Case[],
  uncut: Trial,
  atOnce: number,
  tell: (result: CaseResult) => void,
): Promise<void> {
  const queue = cases.values();
  const work = async () => {
    for (const each of queue) tell(await play(each, uncut));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

async function play(each: Case, uncut: Trial): Promise<CaseResult> {
  try {
    const trial = await playTrial(each.peer, each.plan);
    return { case: each, trial, flaws: findFlaws(each.peer, trial, uncut), isHit: countFaults(trial) > 0 };
  } catch (error) {
    return { case: each, trial: null, flaws: [error instanceof Error ? error.message : String(error)], isHit: true };
  }
}

/** A flawed result as lines for people, the first of which can be played again. */
export function describeResult({ case: { peer, plan }, flaws }: CaseResult): string {
  const { faults = [], refusals = [], random } = plan;
  const words = [
    ...faults.map(({ fault, at }) => formatFault(fault, at)),
    ...refusals.map(({ status, connection }) => `refuse:${status}@${connection}`),
    ...(random ? [`seed ${random.seed}`] : []),
  ];
  return [`${peer} ${words.join(' ')}`, ...flaws.map((flaw) => `  ${flaw}`)].join('\n');
}
