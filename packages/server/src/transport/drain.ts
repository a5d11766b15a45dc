/** Waiting for a reader. */
import type { Writable } from 'node:stream';

/** True once the stream has room again, or where it has; false when it closes first, after `deadlineMs`, or when `signal` aborts. */
export async function drained(stream: Writable, deadlineMs = Infinity, signal?: AbortSignal): Promise<boolean> {
  if (stream.destroyed || signal?.aborted) return false;
  // Below its high-water mark a stream never says 'drain'.
  if (!stream.writableNeedDrain) return true;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const hasRoom = () => resolve(true);
  const givesUp = () => resolve(false);
  const deadline = Number.isFinite(deadlineMs) ? setTimeout(givesUp, deadlineMs) : undefined;
  stream.once('drain', hasRoom);
  stream.once('close', givesUp);
  signal?.addEventListener('abort', givesUp);
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
    stream.off('drain', hasRoom);
    stream.off('close', givesUp);
    signal?.removeEventListener('abort', givesUp);
  }
}
