/** The body of a request. */
import { errors } from '@longwire/protocol';
import type { FastifyRequest } from 'fastify';

/** The body as an object; a request without one has an empty one. Throws `invalid_json` for anything else. */
export function bodyOf({ body }: Pick<FastifyRequest, 'body'>): Record<string, unknown> {
  if (body === undefined || body === null) return {};
  if (typeof body !== 'object' || Array.isArray(body)) throw errors.invalidJson();
  return body as Record<string, unknown>;
}
