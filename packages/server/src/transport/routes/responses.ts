/** `/v1/responses` over HTTP: create (JSON, SSE, in the background), retrieve, list the input, cancel, delete (dossier L.1). */
import {
  errors,
  idempotencyField,
  idempotencyHeader,
  parseCreateRequest,
  toErrorHeaders,
  toHttpErrorBody,
  type CreateRequest,
  type KnownEvent,
  type Response,
} from '@longwire/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readInputItems } from '../../chain/input-items.ts';
import { openExchange } from '../../connection/exchange.ts';
import type { BackgroundRuns } from '../../turn/background.ts';
import type { TurnEvents } from '../../turn/runner.ts';
import type { TurnServices } from '../../turn/turn.ts';
import { failureOf, sendEvents } from '../sse.ts';
import { bodyOf } from './body.ts';
import { traceOfHeaders } from './trace.ts';
import { pageOf, toItemList, toListedItem, toListedOutput } from './item-list.ts';
import { parseInclude, parseInteger, parsePage, parseSwitch, type Query } from './query.ts';

type ById = { Params: { id: string }; Querystring: Query };
const drainRetryMs = 1000;

/** What the routes need. */
export interface ResponseRoutes {
  readonly services: TurnServices;
  readonly background: BackgroundRuns;
  readonly isDraining: () => boolean;
}

/** Adds the routes with and without `/v1`. */
export function addResponseRoutes(app: FastifyInstance, routes: ResponseRoutes): void {
  const { services, background, isDraining } = routes;
  for (const prefix of ['/v1', '']) {
    app.post(`${prefix}/responses`, async (request, reply) => {
      if (isDraining()) throw errors.serverIsDraining(drainRetryMs);
      const body = parseCreateRequest(bodyOf(request), 'http');
      if (services.keyed.covers(body)) acknowledgeKey(body, reply);
      return body.background === true
        ? createInBackground(background, body, request, reply)
        : create(services, body, request, reply);
    });
    app.get(`${prefix}/responses`, () => {
      throw errors.upgradeRequired();
    });
    app.get<ById>(`${prefix}/responses/:id`, async (request, reply) => retrieve(routes, request, reply));
    app.get<ById>(`${prefix}/responses/:id/input_items`, async ({ project, params, query }) => {
      const page = parsePage(query);
      const include = parseInclude(query);
      const items = await readInputItems(services.store, project, params.id);
      const found = pageOf(items, page);
      if (!found) throw errors.listedItemNotFound(page.after ?? '', 'after');
      return toItemList(
        found.map((item) => toListedItem(item, include)),
        page,
      );
    });
    app.post<ById>(`${prefix}/responses/:id/cancel`, ({ project, params }) => background.cancel(project, params.id));
    app.delete<ById>(`${prefix}/responses/:id`, async ({ project, params: { id } }) => {
      await background.drop(project, id);
      services.recent.delete(project, id);
      services.keyed.delete(project, id);
      if (!(await services.store?.delete(project, id))) throw errors.responseNotFound(id);
      return { id, object: 'response', deleted: true };
    });
  }
}

async function retrieve(
  { services, background }: ResponseRoutes,
  { project, params: { id }, query, id: requestId }: FastifyRequest<ById>,
  reply: FastifyReply,
): Promise<FastifyReply | Response> {
  const include = parseInclude(query);
  if (parseSwitch(query, 'stream', false)) {
    const after = parseInteger(query, 'starting_after', 0, Number.MAX_SAFE_INTEGER) ?? -1;
    const events = await background.read(project, id, after);
    const isPlain = !parseSwitch(query, 'include_obfuscation', true);
    reply.hijack();
    await sendEvents(reply.raw, isPlain ? withoutObfuscation(events) : events, requestId);
    return reply;
  }
  const response = background.find(project, id) ?? (await services.store?.get(project, id))?.response;
  if (!response) throw errors.responseNotFound(id);
  return { ...response, output: response.output.map((item) => toListedOutput(item, include)) };
}

async function create(
  services: TurnServices,
  body: CreateRequest,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const abort = new AbortController();
  // A client that goes away stops its turn.
  reply.raw.once('close', () => abort.abort());
  const events = await openExchange(services, request.project, body, abort.signal, traceOfHeaders(request.headers));
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

/** Tells that the request may be sent again. Throws `unsupported_parameter` in background mode, whose clients have the response's id. */
function acknowledgeKey(body: CreateRequest, reply: FastifyReply): void {
  if (body.background === true) {
    throw errors.unsupportedParameter(`client_metadata.${idempotencyField}`, 'cannot be used with background: true.');
  }
  reply.raw.setHeader(idempotencyHeader, '1');
}

/** The client may go away and come back: with `stream` it only reads along. */
async function createInBackground(
  background: BackgroundRuns,
  body: CreateRequest,
  { project, id: requestId, headers }: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | Response> {
  const response = await background.start(project, body, traceOfHeaders(headers));
  if (body.stream !== true) return response;
  const events = await background.read(project, response.id, -1);
  reply.hijack();
  await sendEvents(reply.raw, events, requestId);
  return reply;
}

async function* withoutObfuscation(
  events: AsyncIterable<readonly KnownEvent[]>,
): AsyncGenerator<readonly KnownEvent[]> {
  for await (const batch of events) {
    yield batch.map((event) => ({ ...event, obfuscation: undefined }) as KnownEvent);
  }
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
