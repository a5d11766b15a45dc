/** Waiting for a reader. */
import type { Writable } from 'node:stream';

/** True once the stream has room again; false when it closes first, or after `deadlineMs`. */
export async function drained(stream: Writable, deadlineMs = Infinity): Promise<boolean> {
  if (stream.destroyed) return false;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const hasRoom = () => resolve(true);
  const givesUp = () => resolve(false);
  const deadline = Number.isFinite(deadlineMs) ? setTimeout(givesUp, deadlineMs) : undefined;
  stream.once('drain', hasRoom);
  stream.once('close', givesUp);
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
    stream.off('drain', hasRoom);
    stream.off('close', givesUp);
  }
}
