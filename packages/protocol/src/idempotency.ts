/** A key under which a request may be sent again: Longwire's own extension (PROTOCOL.md 11.2). */
import { createChecker } from './check.ts';
import type { CreateRequest } from './client-events.ts';
import { Type } from './schema.ts';

/** The field of `client_metadata` that holds the key. */
export const idempotencyField = 'longwire_idempotency_key';

/** Header of HTTP answers to requests whose key was honoured. */
export const idempotencyHeader = 'longwire-idempotency';

/** Whether a request carries a key, valid or not. */
export function hasIdempotencyKey({ client_metadata: metadata }: Pick<CreateRequest, 'client_metadata'>): boolean {
  return metadata?.[idempotencyField] !== undefined;
}

const checker = createChecker(
  Type.Object({
    client_metadata: Type.Object({ [idempotencyField]: Type.String({ minLength: 1, maxLength: 255 }) }),
  }),
);

/** The key of a request that has one. Throws `invalid_type` or `invalid_value`. */
export function parseIdempotencyKey(body: Pick<CreateRequest, 'client_metadata'>): string {
  return checker.parse(body).client_metadata[idempotencyField];
}
