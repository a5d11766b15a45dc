/** The way from an upgrade request to a connection: every check comes before the handshake (dossier A). */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { errors, toErrorHeaders, toHttpErrorBody, type ProtocolError } from '@longwire/protocol';
import { WebSocketServer } from 'ws';
import type { Keyring } from '../auth/keys.ts';
import { Connection } from '../connection/connection.ts';
import type { ConnectionLimits } from '../connection/limits.ts';
import type { TurnServices } from '../turn/turn.ts';
import type { OutboxLimits } from './outbox.ts';
import type { Sessions } from './sessions.ts';
import { SocketSession } from './websocket.ts';

/** What upgrades need to know. */
export interface UpgradeOptions {
  readonly services: TurnServices;
  readonly keyring: Keyring;
  readonly sessions: Sessions;
  /** False answers every upgrade with 426, on which clients fall back to HTTP at once. */
  readonly enabled: boolean;
  /** Web origins that may connect; `*` stands for all. Requests without an `Origin` are not from a web page. */
  readonly allowedOrigins: readonly string[];
  readonly maxFrameBytes: number;
  readonly limits: ConnectionLimits;
  readonly outbox: OutboxLimits;
  /** Whether the server is going away. */
  readonly isDraining: () => boolean;
}

const paths: ReadonlySet<string> = new Set(['/v1/responses', '/responses']);
const statusTexts: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  426: 'Upgrade Required',
  503: 'Service Unavailable',
};
const drainRetryMs = 1000;

/** Serves WebSocket upgrades on an HTTP server. */
export function attachUpgrade(server: Server, options: UpgradeOptions): void {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: options.maxFrameBytes,
  });
  server.on('upgrade', (request, stream, head) => {
    stream.on('error', () => stream.destroy());
    const admitted = admit(request, options);
    if ('refusal' in admitted) return refuse(stream, admitted.refusal);
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const { services, sessions, limits, outbox } = options;
      const connection = new Connection(services, admitted.project, limits);
      const session = new SocketSession(socket, stream, connection, outbox, services.now());
      sessions.add(session);
      session
        .serve(services.now)
        .catch((thrown: unknown) => {
          services.log.error({ error: thrown }, 'A socket session failed.');
          session.close('internal');
        })
        .finally(() => sessions.delete(session));
    });
  });
}

function admit(request: IncomingMessage, options: UpgradeOptions): { project: string } | { refusal: ProtocolError } {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  if (!paths.has(path)) return { refusal: errors.unknownUrl('GET', path) };
  if (!options.enabled) return { refusal: errors.websocketDisabled() };
  if (options.isDraining()) return { refusal: errors.serverIsDraining(drainRetryMs) };
  const { origin, authorization } = request.headers;
  if (origin !== undefined && !options.allowedOrigins.includes('*') && !options.allowedOrigins.includes(origin)) {
    return { refusal: errors.originNotAllowed() };
  }
  const caller = options.keyring.authenticate(authorization);
  return caller ? { project: caller.project } : { refusal: errors.invalidApiKey() };
}

/** An HTTP error with a JSON body on a socket that has not been upgraded. */
function refuse(stream: Duplex, error: ProtocolError): void {
  const body = JSON.stringify(toHttpErrorBody(error));
  const headers = Object.entries(toErrorHeaders(error)).map(([name, value]) => `${name}: ${value}\r\n`);
  stream.end(
    `HTTP/1.1 ${error.status} ${statusTexts[error.status] ?? 'Error'}\r\n` +
      'content-type: application/json; charset=utf-8\r\n' +
      `content-length: ${Buffer.byteLength(body)}\r\n` +
      `connection: close\r\n${headers.join('')}\r\n${body}`,
  );
}
