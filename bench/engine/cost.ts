/** What an engine's front end and prefill take: a model, its constants published, swept and never tuned. */
import { bytesPerToken } from '../../packages/server/src/workloads/prose.ts';

/** How the scripted engine spends its time. */
export interface Pace {
  /** Output tokens a second; 0: all at once. */
  readonly tokensPerSecond: number;
  /** Before anything else, in milliseconds. */
  readonly fixedMs: number;
  /** Tokens a second that the front end renders and tokenises: all of the text that it receives. 0: free. */
  readonly frontEndPerSecond: number;
  /** Tokens a second that are prefilled: those that differ from the turn before. 0: free. */
  readonly prefillPerSecond: number;
  /** Whether each delta is replaced by the nanosecond in which it leaves. */
  readonly stamped: boolean;
}

/** E0: everything at once. */
export const instant: Pace = {
  tokensPerSecond: 0,
  fixedMs: 0,
  frontEndPerSecond: 0,
  prefillPerSecond: 0,
  stamped: false,
};

/** E1: only the pace of the output. */
export function paced(tokensPerSecond: number): Pace {
  return { ...instant, tokensPerSecond };
}

/** E2: an engine with a front end. 5 ms, 20,000 tokens a second of prefill, and a front end as fast as published ones (dossier 1.3). */
export function withFrontEnd(tokensPerSecond: number, frontEndPerSecond = 500_000): Pace {
  return { ...paced(tokensPerSecond), fixedMs: 5, frontEndPerSecond, prefillPerSecond: 20_000 };
}

/** Milliseconds before the first token of a request of `receivedBytes` whose first `matchedBytes` are those of the turn before. */
export function toDelayMs(pace: Pace, receivedBytes: number, matchedBytes: number): number {
  const seconds = (bytes: number, perSecond: number) => (perSecond === 0 ? 0 : bytes / bytesPerToken / perSecond);
  return (
    pace.fixedMs +
    1000 *
      (seconds(receivedBytes, pace.frontEndPerSecond) + seconds(receivedBytes - matchedBytes, pace.prefillPerSecond))
  );
}

/** How many leading bytes two bodies share: a binary search over memory comparisons. */
export function commonPrefix(a: Buffer, b: Buffer): number {
  let low = 0;
  let high = Math.min(a.length, b.length);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (a.subarray(low, middle).equals(b.subarray(low, middle))) low = middle;
    else high = middle - 1;
  }
  return low;
}
