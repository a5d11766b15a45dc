/** `POST /v1/responses/input_tokens`: what a create would count as its input (dossier L.1). */
import { errors, parseCreateRequest } from '@longwire/protocol';
import type { FastifyInstance } from 'fastify';
import { resolveStoredNode } from '../../chain/resolve.ts';
import { openTurn, type TurnServices } from '../../turn/turn.ts';

/** Adds the route with and without `/v1`. */
export function addInputTokensRoute(app: FastifyInstance, services: TurnServices): void {
  for (const prefix of ['/v1', '']) {
    app.post(`${prefix}/responses/input_tokens`, async (request, reply) => {
      const abort = new AbortController();
      reply.raw.once('close', () => abort.abort());
      const count = await countTokens(services, request.project, request.body, abort.signal);
      return { object: 'response.input_tokens', input_tokens: count };
    });
  }
}

/**
 * Counted by the tokenizer of the engine that would answer, from the prompt that it would evaluate; nothing runs and nothing is
 * kept. An engine that cannot count is an error: a guess would look like a count.
 */
async function countTokens(
  services: TurnServices,
  project: string,
  raw: unknown,
  signal: AbortSignal,
): Promise<number> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw errors.invalidJson();
  const asked = parseCreateRequest(raw as Record<string, unknown>, 'http');
  const parentId = asked.previous_response_id;
  const parent = parentId ? await resolveStoredNode(services, project, parentId) : null;
  // Generates nothing, so calls may be open.
  const body = { ...asked, generate: false, store: false };
  const via = { transport: 'http' as const, connectionId: null, streamId: null };
  const { route, generation, conversation } = await openTurn(services, { body, parent, project, via });
  try {
    if (route.engine.count) return await route.engine.count(generation, signal);
  } finally {
    conversation?.close();
    route.engine.release(generation.context);
  }
  throw errors.unsupportedValue('model', 'is served by an engine that cannot count tokens before it answers.');
}
