/** `POST /v1/responses/compact`: a history in, a shorter one out (dossier H, L.1). */
import {
  errors,
  parseCreateRequest,
  toErrorHeaders,
  toHttpErrorBody,
  type CreateRequest,
  type Response,
} from '@longwire/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { toWindow } from '../../compaction/window.ts';
import { openExchange } from '../../connection/exchange.ts';
import type { TurnEvents } from '../../turn/runner.ts';
import type { TurnServices } from '../../turn/turn.ts';
import { failureOf } from '../sse.ts';
import { traceOfHeaders } from './trace.ts';

const drainRetryMs = 1000;

/** Adds the route with and without `/v1`. */
export function addCompactRoute(app: FastifyInstance, services: TurnServices, isDraining: () => boolean): void {
  for (const prefix of ['/v1', '']) {
    app.post(`${prefix}/responses/compact`, async (request, reply) => {
      if (isDraining()) throw errors.serverIsDraining(drainRetryMs);
      return compact(services, request, reply);
    });
  }
}

async function compact(services: TurnServices, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const body = parseCompactRequest(request.body);
  const abort = new AbortController();
  // A client that goes away stops the model.
  reply.raw.once('close', () => abort.abort());
  const response = await lastResponse(
    await openExchange(services, request.project, body, abort.signal, traceOfHeaders(request.headers)),
  );
  if (!response) return reply;
  const failure = failureOf(response);
  if (failure) return reply.status(failure.status).headers(toErrorHeaders(failure)).send(toHttpErrorBody(failure));
  return reply.send(toWindow(services.sealer, request.project, response));
}

/** A turn that does nothing but compact, and leaves nothing behind: the fields that the endpoint has, and the trigger. */
function parseCompactRequest(body: unknown): CreateRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw errors.invalidJson();
  const { model, instructions, previous_response_id, prompt_cache_key, service_tier, input } = parseCreateRequest(
    body as Record<string, unknown>,
    'http',
  );
  const items =
    input.at(-1)?.type === 'compaction_trigger' ? input : [...input, { type: 'compaction_trigger' as const }];
  return {
    model: model ?? null,
    instructions: instructions ?? null,
    previous_response_id: previous_response_id ?? null,
    prompt_cache_key: prompt_cache_key ?? null,
    service_tier: service_tier ?? null,
    input: items,
    store: false,
  };
}

/** The response of the terminal event; null when the client went away before it. */
async function lastResponse(events: TurnEvents): Promise<Response | null> {
  let response: Response | null = null;
  for await (const batch of events) {
    const last = batch.at(-1);
    if (last && 'response' in last && last.response.status !== 'in_progress') response = last.response;
  }
  return response;
}
