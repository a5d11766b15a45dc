/** Writes an answer at its pace: deadlines are absolute (start + k/rate), so that a late timer delays one token and not all after it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Wire } from './answers.ts';
import type { Pace } from './cost.ts';

/** Where the bytes go. */
export interface PlaySink {
  write(bytes: string): unknown;
  readonly destroyed: boolean;
}

/** Plays an answer to its end, or until the sink is gone. */
export async function play(answer: Answer, wire: Pick<Wire, 'text'>, pace: Pace, sink: PlaySink): Promise<void> {
  const { opening, deltas, closing } = answer;
  const total = deltas.length;
  const startMs = performance.now();
  let sent = 0;
  while (sent < total && !sink.destroyed) {
    const due = dueAfter(performance.now() - startMs, total, pace.tokensPerSecond);
    if (due > sent) {
      const written = pace.stamped ? stamps(due - sent, wire) : deltas.slice(sent, due).join('');
      const isWhole = sent === 0 && due === total;
      // An answer that is ready leaves in one write, as a real server's would.
      sink.write((sent === 0 ? opening : '') + written + (isWhole ? closing : ''));
      sent = due;
      if (isWhole) return;
    }
    if (sent < total) await sleep(Math.max(0, startMs + (sent * 1000) / pace.tokensPerSecond - performance.now()));
  }
  sink.write((total === 0 ? opening : '') + closing);
}

/** Tokens that are due `elapsedMs` after the start: the first at once. */
export function dueAfter(elapsedMs: number, total: number, tokensPerSecond: number): number {
  if (tokensPerSecond === 0) return total;
  return Math.min(total, Math.floor((elapsedMs * tokensPerSecond) / 1000) + 1);
}

function stamps(count: number, wire: Pick<Wire, 'text'>): string {
  const stamp = wire.text(`${process.hrtime.bigint()} `);
  return stamp.repeat(count);
}
