/**
 * Ids of calls, for models that write them and read them again in the results (Mistral): nine letters and digits. Such an id need not be
 * new, so that the client gets a new one that ends with it.
 */
import { createHash } from 'node:crypto';
import { createCallId } from '@longwire/protocol';

const written = /^[A-Za-z0-9]{9}$/;
const ending = /^call_[A-Za-z0-9]{24}_([A-Za-z0-9]{9})$/;

/** A `call_id` for a call that a model has given this id; null where it is none of nine letters and digits. */
export function toCallId(id: string): string | null {
  return written.test(id) ? `${createCallId()}_${id}` : null;
}

/** The id that the model wrote itself; null for a call that came with none. */
export function writtenIdOf(callId: string): string | null {
  return ending.exec(callId)?.[1] ?? null;
}

/** Nine letters and digits: always the same for an id, and never two ids' within reason (46 bits of a digest). */
export function toShortId(callId: string): string {
  if (written.test(callId)) return callId;
  const digest = createHash('sha256').update(callId).digest();
  return digest.readBigUInt64BE().toString(36).padStart(9, '0').slice(-9);
}
