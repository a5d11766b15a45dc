/** One WebSocket and the lanes on it (dossier A, E). */
import type { ServerEvent } from '@longwire/protocol';
import { toSocketUrl } from './endpoint.ts';
import { ConnectError, toResponsesError } from './errors.ts';
import type { ConnectionLoss, ResponsesError } from './errors.ts';
import { ConnectedLane } from './lane.ts';
import type { Lane } from './lane.ts';

/** Where to connect. */
export interface ConnectOptions {
  /** Base URL of the API as every SDK takes it, such as `http://127.0.0.1:8787/v1`. */
  readonly baseUrl: string;
  /** Sent as `Authorization: Bearer …`. Leave it out in a browser: pages cannot set headers of a socket. */
  readonly apiKey?: string;
  /** How long the socket may take to open; 15 seconds unless given. */
  readonly connectTimeoutMs?: number;
  /** Gives up connecting. */
  readonly signal?: AbortSignal;
}

/** An open socket. It does not reconnect: what the server kept for its lanes ends with it. */
export interface Connection {
  /** Whether turns can still be started. */
  readonly isOpen: boolean;
  /** The lane of this name, always the same one; without a name the default lane. Throws a `TypeError` for a bad name. */
  lane(name?: string): Lane;
  /** Ends every turn with a `ConnectionLostError` and closes the socket, which stops the server's work on them. */
  close(): void;
}

const defaultConnectTimeoutMs = 15_000;
/** What `stream_id` may be (dossier B.1). */
const laneName = /^[A-Za-z0-9_.-]{1,256}$/;

/** Opens a socket. Throws a `ConnectError`, or the signal's reason. */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { apiKey, connectTimeoutMs = defaultConnectTimeoutMs, signal } = options;
  const url = toSocketUrl(options.baseUrl);
  signal?.throwIfAborted();
  const socket =
    apiKey === undefined ? new WebSocket(url) : new WebSocket(url, { headers: { authorization: `Bearer ${apiKey}` } });
  try {
    await opened(socket, url, connectTimeoutMs, signal);
  } catch (error) {
    socket.close();
    throw error;
  }
  return new SocketConnection(socket);
}

function opened(socket: WebSocket, url: URL, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const where = `${url.origin}${url.pathname}`;
  const onOpen = () => resolve();
  const onError = () => reject(new ConnectError(`No WebSocket could be opened at ${where}.`));
  const onAbort = () => reject(signal?.reason);
  const timer = setTimeout(() => {
    reject(new ConnectError(`No WebSocket opened at ${where} within ${timeoutMs} ms.`));
  }, timeoutMs);
  socket.addEventListener('open', onOpen);
  socket.addEventListener('error', onError);
  signal?.addEventListener('abort', onAbort);
  return promise.finally(() => {
    clearTimeout(timer);
    socket.removeEventListener('open', onOpen);
    socket.removeEventListener('error', onError);
    signal?.removeEventListener('abort', onAbort);
  });
}

class SocketConnection implements Connection {
  readonly #socket: WebSocket;
  readonly #lanes = new Map<string | null, ConnectedLane>();
  #loss: ConnectionLoss | null = null;
  #lastWord: ResponsesError | null = null;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#receive(data));
    socket.addEventListener('close', ({ code, reason }) => this.#lose({ code, reason, cause: this.#lastWord }));
  }

  get isOpen(): boolean {
    // The socket knows of a close before its event comes.
    return this.#loss === null && this.#socket.readyState === WebSocket.OPEN;
  }

  lane(name?: string): Lane {
    if (name !== undefined && !laneName.test(name)) {
      throw new TypeError('A lane is named by 1 to 256 letters, digits, underscores, hyphens and periods.');
    }
    return this.#open(name ?? null);
  }

  close(): void {
    this.#lose({ code: 1000, reason: 'closed by this client', cause: null });
    this.#socket.close(1000);
  }

  #open(name: string | null): ConnectedLane {
    const known = this.#lanes.get(name);
    if (known) return known;
    const lane = new ConnectedLane(name, {
      lost: () => this.#loss,
      send: (event) => {
        const { isOpen } = this;
        if (isOpen) this.#socket.send(JSON.stringify(event));
        return isOpen;
      },
    });
    this.#lanes.set(name, lane);
    return lane;
  }

  #receive(data: unknown): void {
    const event = parseEvent(data);
    if (!event) return;
    const lane = this.#lanes.get(event.stream_id ?? null);
    if (lane?.busy) return lane.receive(event);
    // An error that is nobody's is the connection's: the server says why it is about to close.
    if (event.stream_id === undefined) this.#lastWord = toResponsesError(event) ?? this.#lastWord;
  }

  #lose(loss: ConnectionLoss): void {
    if (this.#loss) return;
    this.#loss = loss;
    for (const lane of this.#lanes.values()) lane.lose(loss);
  }
}

/**
 * The event in a frame; null for what is none, which every client of this protocol skips. Beyond `type` the server is trusted:
 * checking each delta against its schema would cost more than reading it.
 */
function parseEvent(data: unknown): ServerEvent | null {
  if (typeof data !== 'string') return null;
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
      ? (value as ServerEvent)
      : null;
  } catch {
    return null;
  }
}
