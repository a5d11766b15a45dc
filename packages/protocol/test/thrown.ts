/** The catalogue error that `run` throws. Anything else, and nothing at all, fails the test. */
import { ProtocolError } from '../src/index.ts';

export function thrownBy(run: () => unknown): ProtocolError {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
