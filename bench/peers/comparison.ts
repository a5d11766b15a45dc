/** What the rounds say: each server beside Longwire in the same rounds, in front of the same engine over the same wire. */
import type { BenchMode } from '../../packages/server/src/cli/bench-driver.ts';
import { median } from '../figures.ts';
import type { Verdict } from '../report/report.ts';
import { toText } from '../report/table.ts';
import type { Peer } from './peer.ts';

/** One server in one mode in one round. */
export interface Measured {
  /** Milliseconds that a turn takes longer than the engine called directly: near the beginning of the rollout. */
  readonly earlyMs: number;
  /** The same at 100k tokens of history. */
  readonly lateMs: number;
  /** CPU milliseconds of a turn there, all processes of the server. */
  readonly turnCpuMs: number;
  /** CPU microseconds of a token of a stream, whether the server makes an event of each or not. */
  readonly tokenCpuUs: number;
}

/** All rounds of one server in one mode. */
export interface Outcome {
  readonly peer: Peer;
  readonly mode: BenchMode;
  readonly rounds: readonly Measured[];
  /** The turn that went wrong, and the server's words. */
  readonly failure: string | null;
}

/** What Longwire is compared in where each server may use its best mode: the same tools and settings in every request as on HTTP. */
const ownMode: BenchMode = 'ws-codex';
const isOurs = ({ peer }: Outcome): boolean => peer.package === null;

/** Per-round ratios of an outcome to Longwire's over the same wire in `mode`; empty where there is none. */
export function ratiosTo(
  outcomes: readonly Outcome[],
  outcome: Outcome,
  mode: BenchMode,
  field: keyof Measured,
): number[] {
  const ours = outcomes.find((each) => isOurs(each) && each.peer.wire === outcome.peer.wire && each.mode === mode);
  if (!ours || ours === outcome) return [];
  return outcome.rounds.flatMap((measured, round) => {
    const floor = ours.rounds[round]?.[field] ?? Number.NaN;
    return floor > 0 ? [measured[field] / floor] : [];
  });
}

interface Goal {
  readonly goal: string;
  readonly field: keyof Measured;
  /** Null: every peer in its best mode against Longwire in its own. */
  readonly mode: BenchMode | null;
  readonly atLeast: number;
  readonly unit: string;
  /** What stands in the way, where it is missed. */
  readonly hint: string;
  readonly isMoonshot?: true;
}

const added = 'added to a turn at 100k tokens';
const cpu = 'CPU of a streamed token';
const passedOn = 'A peer that passes events on does not read them; Longwire reads, checks and numbers each.';
const loaded =
  'On a loaded machine the longer turn waits more often: see the range, and run it again when nothing else does.';

const goals: readonly Goal[] = [
  {
    goal: `${added}, each in its best mode: at least 5x below the best peer`,
    field: 'lateMs',
    mode: null,
    atLeast: 5,
    unit: 'ms',
    hint: loaded,
  },
  {
    goal: `${added}, each in its best mode: at least 20x below the best peer`,
    field: 'lateMs',
    mode: null,
    atLeast: 20,
    unit: 'ms',
    hint: loaded,
    isMoonshot: true,
  },
  {
    goal: `${added}, all over HTTP with the full history: at least 5x below the best peer`,
    field: 'lateMs',
    mode: 'http-full',
    atLeast: 5,
    unit: 'ms',
    hint: 'Parsing the whole history is what every server does there, and Longwire checks each item of it.',
  },
  {
    goal: `${cpu}, each in its best mode: at least 3x below the best peer`,
    field: 'tokenCpuUs',
    mode: null,
    atLeast: 3,
    unit: 'us',
    hint: passedOn,
  },
  {
    goal: `${cpu}, all over HTTP: at least 3x below the best peer`,
    field: 'tokenCpuUs',
    mode: 'http-full',
    atLeast: 3,
    unit: 'us',
    hint: passedOn,
  },
];

/** G16. The best peer is the one that comes nearest to Longwire over its own wire; those that failed cannot be it. */
export function judgePeers(outcomes: readonly Outcome[]): Verdict[] {
  return goals.map(({ goal, field, mode, atLeast, unit, hint, isMoonshot = false }) => {
    const named = { id: 'G16', goal, isMoonshot };
    const rivals = outcomes
      .filter((each) => !isOurs(each) && each.failure === null && (mode === null || each.mode === mode))
      .map((each) => ({ each, ratio: median(ratiosTo(outcomes, each, mode ?? ownMode, field)) }))
      .filter(({ ratio }) => !Number.isNaN(ratio));
    const [nearest] = rivals.toSorted((a, b) => a.ratio - b.ratio);
    if (!nearest) return { ...named, value: null, floor: null, isReached: null, hint: null };
    const { each, ratio } = nearest;
    const value = median(each.rounds.map((measured) => measured[field]));
    return {
      ...named,
      value: `${toText(ratio)}x below`,
      floor: `${each.peer.title}, ${each.mode}: ${toText(value)} ${unit}`,
      isReached: ratio >= atLeast,
      hint: ratio >= atLeast ? null : hint,
    };
  });
}
