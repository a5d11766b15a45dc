/** Work that a signal of the user ends early. */
import type { Io, StopSignal } from './io.ts';

/** The work's exit code (0 where it gives none), or the signal's own when one stopped it. Throws what the work throws of itself. */
export async function untilStopped(io: Io, work: (signal: AbortSignal) => Promise<number | void>): Promise<number> {
  const abort = new AbortController();
  let stoppedBy: StopSignal | null = null;
  const removeListener = io.onStopSignal((signal) => {
    stoppedBy = signal;
    abort.abort();
  });
  try {
    return (await work(abort.signal)) ?? 0;
  } catch (error) {
    if (stoppedBy === null) throw error;
    return stoppedBy === 'SIGINT' ? 130 : 143;
  } finally {
    removeListener();
  }
}
