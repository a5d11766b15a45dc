/** The HTTP server: one place for bodies, errors and request ids; what it serves stands in `routes/` (dossier L). */
import {
  createId,
  errors,
  parseJsonObject,
  toErrorHeaders,
  toHttpErrorBody,
  toProtocolError,
  type ProtocolError,
} from '@longwire/protocol';
import fastify, { LogController, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Keyring } from '../auth/keys.ts';
import type { BackgroundRuns } from '../turn/background.ts';
import type { TurnServices } from '../turn/turn.ts';
import { logFailure } from '../turn/withheld.ts';
import { isAllowedOrigin } from './origins.ts';
import { addCompactRoute } from './routes/compact.ts';
import { addConversationRoutes } from './routes/conversations.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addInputTokensRoute } from './routes/input-tokens.ts';
import { addModelRoutes } from './routes/models.ts';
import { addOpenApiRoute } from './routes/openapi.ts';
import { addResponseRoutes } from './routes/responses.ts';

/** What the HTTP server needs to know. */
export interface HttpOptions {
  readonly services: TurnServices;
  readonly background: BackgroundRuns;
  readonly keyring: Keyring;
  readonly maxBodyBytes: number;
  /** Web origins whose pages may read answers; `*` stands for all. */
  readonly allowedOrigins: readonly string[];
  readonly isDraining: () => boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The project of the caller's key; set before any route runs. */
    project: string;
  }
}

const openPaths: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/openapi.json']);

/** Builds the server; it does not listen yet. */
export function createHttpServer(options: HttpOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: options.maxBodyBytes,
    genReqId: () => createId('req'),
    forceCloseConnections: 'idle',
    logController: new LogController({ disableRequestLogging: true }),
    // Codex sends long metadata headers (clients.md 2); Node's limit of 16 KiB is the least that it needs.
    http: { maxHeaderSize: 64 * 1024 },
    routerOptions: { maxParamLength: 512 },
    // A path that cannot be decoded meets no route, and so no error handler of ours.
    frameworkErrors: (_thrown, request, reply) => {
      void sendError(options.services, errors.unknownUrl(request.method, pathOf(request)), request, reply);
    },
  });
  app.decorateRequest('project', '');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? {} : parseJsonObject(body.toString()));
    } catch (thrown) {
      done(toProtocolError(thrown));
    }
  });
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
    const { origin } = request.headers;
    if (origin !== undefined && isAllowedOrigin(origin, options.allowedOrigins)) {
      allowPage(origin, request, reply);
      // What a browser asks before it sends headers of ours comes without a key.
      if (request.method === 'OPTIONS') return reply.status(204).send();
    }
    if (openPaths.has(request.routeOptions.url ?? '')) return;
    const caller = options.keyring.authenticate(request.headers.authorization);
    if (!caller) throw errors.invalidApiKey();
    request.project = caller.project;
  });
  app.setErrorHandler((thrown, request, reply) => sendError(options.services, thrown, request, reply));
  app.setNotFoundHandler((request, reply) =>
    sendError(options.services, errors.unknownUrl(request.method, pathOf(request)), request, reply),
  );
  addHealthRoutes(app, options);
  addOpenApiRoute(app);
  addModelRoutes(app, options.services.router);
  addResponseRoutes(app, options);
  addConversationRoutes(app, options.services);
  addCompactRoute(app, options.services, options.isDraining);
  addInputTokensRoute(app, options.services);
  return app;
}

/** Lets the page read the answer, streams included: they are written past fastify. */
function allowPage(origin: string, { headers }: FastifyRequest, { raw }: FastifyReply): void {
  raw.setHeader('access-control-allow-origin', origin);
  raw.setHeader('vary', 'origin');
  raw.setHeader('access-control-expose-headers', 'x-request-id, retry-after, longwire-idempotency');
  const asked = headers['access-control-request-headers'];
  if (asked === undefined && headers['access-control-request-method'] === undefined) return;
  raw.setHeader('access-control-allow-methods', 'GET, POST, DELETE');
  raw.setHeader('access-control-allow-headers', asked ?? '');
  raw.setHeader('access-control-max-age', '600');
}

/** Answers with a catalogue error; what is foreign is logged and leaves as `server_error` with the request's id. */
function sendError(
  { log, meter }: TurnServices,
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const error = fromFastify(thrown, request) ?? toProtocolError(thrown, request.id);
  if (error.cause !== undefined) logFailure(log, error, { requestId: request.id });
  meter?.refuse('http', error.entry);
  return reply.status(error.status).headers(toErrorHeaders(error)).send(toHttpErrorBody(error));
}

/** Fastify's own refusals of a body, in the words of the catalogue. */
function fromFastify(thrown: unknown, request: FastifyRequest): ProtocolError | null {
  switch ((thrown as { code?: unknown } | null)?.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return errors.messageTooLarge(request.routeOptions.bodyLimit);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return errors.unsupportedMediaType();
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return errors.invalidRequest('The Content-Length header does not fit the body.');
    default:
      return null;
  }
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '';
}
