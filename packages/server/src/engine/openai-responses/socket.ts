/** A WebSocket to an upstream: its handshake, its lanes, its age (dossier A, E, I). */
import type { IncomingHttpHeaders } from 'node:http';
import { WebSocket } from 'ws';
import type { UpstreamErrors } from '../http/errors.ts';
import { SocketLost, UpstreamLane, type LaneTurn } from './lane.ts';
import { readEvent, type UpstreamEvent } from './wire.ts';

/** How sockets of one upstream are opened and kept. Times in milliseconds. */
export interface SocketOptions {
  /** `ws:` or `wss:`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connectTimeoutMs: number;
  /** Age from which it takes no further turn, well before the upstream ends it. */
  readonly lifetimeMs: number;
  /** Time between pings; a socket that answers none of two is lost. */
  readonly pingIntervalMs: number;
}

/** The upstream answered the handshake as plain HTTP. */
export class HandshakeRefused extends Error {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;

  constructor(status: number, headers: IncomingHttpHeaders, body: string) {
    super(`The upstream answered the WebSocket handshake with ${status}.`);
    this.name = 'HandshakeRefused';
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

const maxRefusalLength = 16 * 1024;
/** A terminal event repeats all output, pictures included. */
const maxFrameBytes = 256 * 1024 * 1024;
/** Events that a slow reader leaves lying before the socket is not read any further. */
const maxBacklog = 1024;

/** Opens a socket. Throws `HandshakeRefused`, or `engine_unavailable` where nothing answers. */
export async function openSocket(
  options: SocketOptions,
  errors: UpstreamErrors,
  onFree: () => void,
): Promise<UpstreamSocket> {
  const { url, headers, connectTimeoutMs } = options;
  const socket = new WebSocket(url, {
    headers,
    handshakeTimeout: connectTimeoutMs,
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: maxFrameBytes,
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('open', resolve);
  socket.on('error', (cause: Error) => reject(errors.fromConnection(cause)));
  socket.once('unexpected-response', (request, response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      body += text;
      if (body.length >= maxRefusalLength) request.destroy();
    });
    response.once('end', () => request.destroy());
    response.once('close', () => reject(new HandshakeRefused(response.statusCode ?? 0, response.headers, body)));
  });
  await promise;
  return new UpstreamSocket(socket, options, onFree);
}

/** An open socket. */
export class UpstreamSocket {
  readonly #socket: WebSocket;
  readonly #onFree: () => void;
  readonly #lanes: UpstreamLane[] = [];
  readonly #heartbeat: NodeJS.Timeout;
  readonly #retirement: NodeJS.Timeout;
  #retired = false;
  #lost = false;
  #unanswered = 0;
  /** Distinct lanes that it takes. */
  maxLanes = Number.POSITIVE_INFINITY;

  /** `onFree` is called when a lane becomes free by itself, and when the socket is lost. */
  constructor(socket: WebSocket, options: SocketOptions, onFree: () => void) {
    this.#socket = socket;
    this.#onFree = onFree;
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (!isBinary) this.#receive(data.toString());
    });
    socket.on('pong', () => (this.#unanswered = 0));
    socket.on('close', (code: number, reason: Buffer) => this.#lose(new SocketLost(code, reason.toString())));
    this.#heartbeat = setInterval(() => this.#ping(), options.pingIntervalMs).unref();
    this.#retirement = setTimeout(() => this.retire(), options.lifetimeMs).unref();
  }

  get lanes(): readonly UpstreamLane[] {
    return this.#lanes;
  }

  /** Whether turns may be started on it. */
  get usable(): boolean {
    return !this.#retired && !this.#lost && this.#socket.readyState === WebSocket.OPEN;
  }

  get lost(): boolean {
    return this.#lost;
  }

  /** Turns that run on it, abandoned ones included. */
  get running(): number {
    return this.#lanes.filter((lane) => lane.busy).length;
  }

  /** A lane of this name that did not exist before. */
  addLane(name: string | null): UpstreamLane {
    const lane = new UpstreamLane(this, name);
    this.#lanes.push(lane);
    return lane;
  }

  /** One text frame out of these buffers. */
  send(parts: readonly Buffer[]): void {
    this.#socket.send(Buffer.concat(parts), { binary: false });
  }

  /** Takes no further turn, and closes when the last one has ended. */
  retire(): void {
    this.#retired = true;
    if (this.running === 0) this.close();
  }

  /** Closes now: its turns end with `SocketLost`. */
  close(): void {
    this.#lose(new SocketLost(1000, ''));
    this.#socket.close(1000);
  }

  /** A turn that nobody reads any more: the upstream is told where it listens, else left alone, or cut off where that harms nobody. */
  abandon(lane: UpstreamLane, acceptsCancel: boolean): void {
    const { turn } = lane;
    if (!turn) return;
    turn.abandon();
    lane.newest = null;
    const isAlone = this.#lanes.every((each) => each === lane || (!each.busy && each.newest === null));
    if (acceptsCancel && turn.responseId !== null) this.cancel(turn.responseId);
    else if (isAlone) this.close();
  }

  /** Longwire's own event: the response ends early, with its terminal event. */
  cancel(responseId: string): void {
    this.send([Buffer.from(JSON.stringify({ type: 'response.cancel', response_id: responseId }))]);
  }

  /** After a lane was freed. */
  settle(): void {
    if (this.#retired && this.running === 0) this.close();
  }

  #receive(json: string): void {
    const event = readEvent(json);
    if (!event) return;
    const lane = this.#laneOf(event);
    if (!lane) {
      // An error that is nobody's is the socket's: it says why it is about to close.
      if (event.type === 'error') this.retire();
      return;
    }
    const isOver = lane.receive(event);
    if (lane.turn && lane.turn.backlog > maxBacklog) this.#pauseFor(lane.turn);
    if (!isOver) return;
    lane.free();
    this.settle();
    this.#onFree();
  }

  /** The lane that an event names; the only one that is busy where it names none. */
  #laneOf(event: UpstreamEvent): UpstreamLane | null {
    const { stream_id: name } = event;
    if (typeof name === 'string') return this.#lanes.find((lane) => lane.name === name) ?? null;
    const busy = this.#lanes.filter((lane) => lane.busy);
    return busy.find((lane) => lane.name === null) ?? (busy.length === 1 ? (busy[0] ?? null) : null);
  }

  /** The other lanes wait too: one socket is one stream. */
  #pauseFor(turn: LaneTurn): void {
    if (this.#socket.isPaused) return;
    this.#socket.pause();
    turn.whenDrained(() => this.#socket.resume());
  }

  #ping(): void {
    if (this.#socket.isPaused) return;
    if (this.#unanswered >= 2) return this.#socket.terminate();
    this.#unanswered++;
    this.#socket.ping();
  }

  #lose(reason: SocketLost): void {
    if (this.#lost) return;
    this.#lost = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#retirement);
    for (const lane of this.#lanes) {
      lane.newest = null;
      lane.turn?.fail(reason);
      lane.free();
    }
    this.#onFree();
  }
}
