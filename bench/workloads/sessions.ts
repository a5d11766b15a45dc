/**
 * What the recorded coding sessions would gain, by arithmetic: each made into a rollout as the coding ones are, its bytes counted
 * (scripts/sessions.ts writes sessions.jsonl), and the engine's published constants applied to them. Servers and clients take no time here.
 */
import { readFileSync } from 'node:fs';
import { CongestionWindow } from '../../packages/server/src/cli/congestion-window.ts';
import { bytesPerToken } from '../../packages/server/src/workloads/prose.ts';
import type { Rollout } from '../../packages/server/src/workloads/coding.ts';
import { toDelayMs, withFrontEnd, type Pace } from '../engine/cost.ts';

/** What a rollout brings, summed over its turns. */
export interface Sums {
  readonly turns: number;
  readonly calls: number;
  readonly outputTokens: number;
  /** Bytes of all requests with the full history, tools and instructions included; and of the new items alone. */
  readonly fullBytes: number;
  readonly newBytes: number;
  /** Round trips until the answers begin, on a link of 20 and of 80 ms: one a turn, and one for each window that a request fills besides. */
  readonly fullTrips: Readonly<Record<ModelledRtt, number>>;
  readonly newTrips: Readonly<Record<ModelledRtt, number>>;
}

/** A session: its longest stretch without a compaction, and as many of its first turns as `reference` has where they have none. */
export interface Session {
  readonly session: string;
  readonly whole: Sums;
  readonly beginning: Sums | null;
}

/** Links whose trips are counted. */
export const modelledRtts = [20, 80] as const;
export type ModelledRtt = (typeof modelledRtts)[number];

/** 1,000 tokens a second and the published front end: the pace of the goals. */
export const modelledPace: Pace = withFrontEnd(1000);
/** A window forgets in the pauses. */
const toolMs = 300;

/** The sessions of sessions.jsonl. */
export function readSessions(): Session[] {
  const lines = readFileSync(new URL('./sessions.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as Session);
}

/** Counts a rollout. */
export function toSums({ turns, tools, instructions }: Rollout): Sums {
  const preambleBytes = JSON.stringify(tools).length + instructions.length;
  const requests: { full: number; fresh: number; outputTokens: number }[] = [];
  let historyBytes = preambleBytes;
  for (const { input, output, outputTokens } of turns) {
    const fresh = JSON.stringify(input).length;
    historyBytes += fresh;
    requests.push({ full: historyBytes, fresh, outputTokens });
    historyBytes += JSON.stringify(output).length;
  }
  const sum = (of: (request: (typeof requests)[number]) => number) =>
    requests.reduce((total, each) => total + of(each), 0);
  const trips = (way: 'full' | 'fresh', rttMs: number) => {
    const window = new CongestionWindow(rttMs);
    let nowMs = 0;
    return sum((request) => {
      const count = countTrips(window, request[way], nowMs, rttMs);
      const delayMs = toDelayMs(modelledPace, request[way], request[way] - request.fresh);
      nowMs += count * rttMs + delayMs + request.outputTokens + toolMs;
      return count;
    });
  };
  return {
    turns: turns.length,
    calls: turns.filter(({ output }) => output.some(({ type }) => type === 'function_call')).length,
    outputTokens: sum(({ outputTokens }) => outputTokens),
    fullBytes: sum(({ full }) => full),
    newBytes: sum(({ fresh }) => fresh),
    fullTrips: { 20: trips('full', 20), 80: trips('full', 80) },
    newTrips: { 20: trips('fresh', 20), 80: trips('fresh', 80) },
  };
}

/** Windows that a request fills until it has left, a round trip each. */
function countTrips(window: CongestionWindow, bytes: number, startMs: number, rttMs: number): number {
  window.wake(startMs);
  let trips = 0;
  for (let left = bytes; left > 0; trips++) {
    const sent = window.send(left, startMs + trips * rttMs);
    window.acknowledge(sent);
    left -= sent;
  }
  return trips;
}

/** Seconds of API time with the full history and with what is new, at 1,000 tokens a second and the published front end. */
export function modelSeconds(sums: Sums, rttMs: 0 | ModelledRtt): { full: number; fresh: number } {
  const { turns, outputTokens, fullBytes, newBytes, fullTrips, newTrips } = sums;
  // The prefix cache of the engine helps both: what is prefilled is what is new.
  const engineMs = (received: number) =>
    (turns - 1) * modelledPace.fixedMs +
    toDelayMs(modelledPace, received, received - newBytes) +
    (1000 * outputTokens) / modelledPace.tokensPerSecond;
  const linkMs = (trips: Sums['fullTrips']) => (rttMs === 0 ? 0 : trips[rttMs] * rttMs);
  return {
    full: (engineMs(fullBytes) + linkMs(fullTrips)) / 1000,
    fresh: (engineMs(newBytes) + linkMs(newTrips)) / 1000,
  };
}

/** Percent of API time that an incremental engine saves over HTTP keep-alive with the full history. */
export function modelSaving(sums: Sums, rttMs: 0 | ModelledRtt): number {
  const { full, fresh } = modelSeconds(sums, rttMs);
  return 100 * (1 - fresh / full);
}

/**
 * The rollout on which a prototype saved the 36 / 41 / 46 % of the goals, as its times give it away: 18.9 s at 1,000 tokens a second, of which
 * 2 ms a turn are no output, are 215 tokens a turn; 11.8 s more with an engine that gets the text are 68,500 tokens of it a turn.
 */
export const reference = { turns: 87, outputTokens: 215, fullTokens: 68_500 } as const;

/** How far the beginning of a session is from it, as logarithms of factors: 0 is the same. Infinity with fewer than 60 calls in them. */
export function distanceToReference({ beginning }: Session): number {
  if (beginning === null || beginning.calls < 60) return Infinity;
  const output = beginning.outputTokens / beginning.turns / reference.outputTokens;
  const full = beginning.fullBytes / bytesPerToken / beginning.turns / reference.fullTokens;
  return Math.hypot(Math.log(output), Math.log(full));
}
