/** The way from an upgrade request to a connection: every check comes before the handshake (dossier A). */
import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  errors,
  parseResumeRequest,
  resumeHeader,
  resumeParameter,
  toErrorHeaders,
  toHttpErrorBody,
  toProtocolError,
  type ProtocolError,
  type ResumeRequest,
} from '@longwire/protocol';
import { WebSocketServer, type ServerOptions } from 'ws';
import type { Identity, Keyring } from '../auth/keys.ts';
import { Connection } from '../connection/connection.ts';
import type { ConnectionLimits } from '../connection/limits.ts';
import type { TurnServices } from '../turn/turn.ts';
import { isAllowedOrigin } from './origins.ts';
import type { Resumables } from './resumables.ts';
import { ServerSocket } from './server-socket.ts';
import type { Sessions } from './sessions.ts';
import { SocketSession, type Resumption, type SessionOptions } from './websocket.ts';

/** What upgrades need to know. */
export interface UpgradeOptions {
  readonly services: TurnServices;
  readonly keyring: Keyring;
  readonly sessions: Sessions;
  readonly resumables: Resumables;
  /** False answers every upgrade with 426, on which clients fall back to HTTP at once. */
  readonly enabled: boolean;
  /** Web origins that may connect; `*` stands for all. Requests without an `Origin` are not from a web page. */
  readonly allowedOrigins: readonly string[];
  /** Whether a subprotocol may hold the key where no header does. */
  readonly subprotocolKeys: boolean;
  readonly limits: ConnectionLimits;
  readonly session: SessionOptions;
  /** Whether the server is going away. */
  readonly isDraining: () => boolean;
}

const paths: ReadonlySet<string> = new Set(['/v1/responses', '/responses']);
const drainRetryMs = 1000;
/** Web pages can set no headers of a socket; OpenAI takes their keys in this way. */
const keyProtocol = 'openai-insecure-api-key.';
/** How long a peer may take to answer our close frame. */
const closeTimeoutMs = 5000;

/** Serves WebSocket upgrades on an HTTP server. */
export function attachUpgrade(server: Server, options: UpgradeOptions): void {
  const handshake: HandshakeOptions = {
    noServer: true,
    clientTracking: false,
    // Answers an offer; what was agreed on is then done by the socket itself (server-socket.ts).
    perMessageDeflate: true,
    maxPayload: options.session.maxFrameBytes,
    closeTimeout: closeTimeoutMs,
    // A browser wants one of those that it offered; the key is not said again.
    handleProtocols: (offered) => [...offered].find((protocol) => !protocol.startsWith(keyProtocol)) ?? false,
    WebSocket: ServerSocket,
  };
  const sockets = new WebSocketServer<typeof ServerSocket>(handshake);
  sockets.on('wsClientError', (error, stream) => refuse(stream, errors.invalidRequest(`${error.message}.`), options));
  const http: UpgradeChoice = server;
  http.shouldUpgradeCallback = isWebSocketUpgrade;
  server.on('upgrade', (request, stream, head) => {
    stream.on('error', () => stream.destroy());
    const admitted = admit(request, options);
    if ('refusal' in admitted) return refuse(stream, admitted.refusal, options);
    sockets.handleUpgrade(request, stream, head, (socket) => open(socket, stream as Socket, admitted, options));
  });
}

/** `closeTimeout` is not in the types of `ws` yet. */
type HandshakeOptions = ServerOptions<typeof ServerSocket> & { readonly closeTimeout: number };

/** Node reads its option `shouldUpgradeCallback` from the server: ours was made by fastify. */
type UpgradeChoice = Server & { shouldUpgradeCallback?: (request: IncomingMessage) => boolean };

/** Other upgrades (some HTTP clients offer `h2c` with every request) are passed over: the request is served as it is. */
function isWebSocketUpgrade({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';
}

/** Who may have a socket, and which connection is asked for. */
interface Admission {
  readonly identity: Identity;
  /** Null where the connection is to end with its socket. */
  readonly resume: ResumeRequest | null;
}

function open(socket: ServerSocket, stream: Socket, admission: Admission, options: UpgradeOptions): void {
  const { services, sessions, session: sessionOptions } = options;
  const resumption = admission.resume && resume(admission.resume, admission.identity, options);
  const connection = resumption?.resumable.connection ?? openConnection(admission.identity, options);
  const session = new SocketSession(socket, stream, connection, sessionOptions, resumption);
  sessions.add(session);
  socket.once('close', () => sessions.delete(session));
  session.serve().catch((thrown: unknown) => {
    services.log.error({ error: thrown }, 'A socket session failed.');
    session.fail();
  });
}

function openConnection(identity: Identity, { services, limits, keyring }: UpgradeOptions): Connection {
  return new Connection(services, identity.project, limits, () => keyring.holds(identity));
}

/** The connection whose token was brought, or a new one. */
function resume({ token, received }: ResumeRequest, identity: Identity, options: UpgradeOptions): Resumption {
  const { resumables, services } = options;
  const known = token === null ? null : resumables.find(token, identity, received);
  if (known) {
    known.acknowledge(received);
    return { resumable: known, resumed: true, after: received };
  }
  const resumable = resumables.create(openConnection(identity, options), identity);
  resumable.pump().catch((thrown: unknown) => {
    services.log.error({ error: thrown }, 'A resumable connection failed.');
    resumable.end();
  });
  return { resumable, resumed: false, after: 0 };
}

function admit(request: IncomingMessage, options: UpgradeOptions): Admission | { refusal: ProtocolError } {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  if (!paths.has(path)) return { refusal: errors.unknownUrl('GET', path) };
  if (!options.enabled) return { refusal: errors.websocketDisabled() };
  if (options.isDraining()) return { refusal: errors.serverIsDraining(drainRetryMs) };
  const { origin, authorization } = request.headers;
  if (origin !== undefined && !isAllowedOrigin(origin, options.allowedOrigins)) {
    return { refusal: errors.originNotAllowed() };
  }
  const identity = options.keyring.authenticate(
    authorization ?? (options.subprotocolKeys ? toAuthorization(request.headers['sec-websocket-protocol']) : undefined),
  );
  if (!identity) return { refusal: errors.invalidApiKey() };
  const asked =
    request.headers[resumeHeader] ?? (query === '' ? null : new URLSearchParams(query).get(resumeParameter));
  if (asked === null || !options.resumables.isEnabled) return { identity, resume: null };
  try {
    return { identity, resume: parseResumeRequest(String(asked)) };
  } catch (thrown) {
    return { refusal: toProtocolError(thrown) };
  }
}

/** The key among the offered subprotocols, as a header would hold it. */
function toAuthorization(offered = ''): string | undefined {
  const protocol = offered.split(',').find((name) => name.trim().startsWith(keyProtocol));
  return protocol && `Bearer ${protocol.trim().slice(keyProtocol.length)}`;
}

/** An HTTP error with a JSON body on a socket that has not been upgraded. */
function refuse(stream: Duplex, error: ProtocolError, { services }: UpgradeOptions): void {
  services.meter?.refuse('upgrade', error.entry);
  const body = JSON.stringify(toHttpErrorBody(error));
  const headers = Object.entries(toErrorHeaders(error)).map(([name, value]) => `${name}: ${value}\r\n`);
  // The HTTP server leaves the other half open, and a peer that never closes its own would stay for ever.
  stream.once('finish', () => stream.destroy());
  stream.end(
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? 'Error'}\r\n` +
      'content-type: application/json; charset=utf-8\r\n' +
      `content-length: ${Buffer.byteLength(body)}\r\n` +
      `connection: close\r\n${headers.join('')}\r\n${body}`,
  );
}
