import { ProtocolError } from '@longwire/protocol';

/** The catalogue error that a call throws; fails where it throws anything else, or nothing. */
export function thrownBy(call: () => unknown): ProtocolError {
  try {
    call();
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error('Nothing was thrown.');
}
