/** `/v1/responses` over HTTP: create (JSON or SSE), retrieve, delete (dossier L.1). */
import {
  errors,
  parseCreateRequest,
  toErrorHeaders,
  toHttpErrorBody,
  type KnownEvent,
  type Response,
} from '@longwire/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { openExchange } from '../../connection/exchange.ts';
import type { TurnEvents } from '../../turn/runner.ts';
import type { TurnServices } from '../../turn/turn.ts';
import { failureOf, sendEvents } from '../sse.ts';

type ById = { Params: { id: string } };
const drainRetryMs = 1000;

/** Adds the routes with and without `/v1`. */
export function addResponseRoutes(app: FastifyInstance, services: TurnServices, isDraining: () => boolean): void {
  for (const prefix of ['/v1', '']) {
    app.post(`${prefix}/responses`, async (request, reply) => {
      if (isDraining()) throw errors.serverIsDraining(drainRetryMs);
      return create(services, request, reply);
    });
    app.get(`${prefix}/responses`, () => {
      throw errors.upgradeRequired();
    });
    app.get<ById>(`${prefix}/responses/:id`, async (request) => {
      const stored = await services.store?.get(request.project, request.params.id);
      if (!stored) throw errors.responseNotFound(request.params.id);
      return stored.response;
    });
    app.delete<ById>(`${prefix}/responses/:id`, async (request) => {
      const { id } = request.params;
      services.recent.delete(id);
      if (!(await services.store?.delete(request.project, id))) throw errors.responseNotFound(id);
      return { id, object: 'response', deleted: true };
    });
  }
}

async function create(services: TurnServices, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  if (typeof request.body !== 'object' || request.body === null || Array.isArray(request.body)) {
    throw errors.invalidJson();
  }
  const body = parseCreateRequest(request.body as Record<string, unknown>, 'http');
  const abort = new AbortController();
  // A client that goes away stops its turn.
  reply.raw.once('close', () => abort.abort());
  const events = await openExchange(services, request.project, body, abort.signal);
  if (body.stream === true) {
    reply.hijack();
    await sendEvents(reply.raw, events, request.id);
    return reply;
  }
  const response = await finalResponse(events);
  if (!response) return reply;
  const failure = failureOf(response);
  if (failure) return reply.status(failure.status).headers(toErrorHeaders(failure)).send(toHttpErrorBody(failure));
  return reply.send(response);
}

type Terminal = Extract<KnownEvent, { type: 'response.completed' | 'response.incomplete' | 'response.failed' }>;

function isTerminal(event: KnownEvent | undefined): event is Terminal {
  const type = event?.type;
  return type === 'response.completed' || type === 'response.incomplete' || type === 'response.failed';
}

/** The response of the terminal event; null when the client went away before it. */
async function finalResponse(events: TurnEvents): Promise<Response | null> {
  let response: Response | null = null;
  for await (const batch of events) {
    const last = batch.at(-1);
    if (isTerminal(last)) response = last.response;
  }
  return response;
}
