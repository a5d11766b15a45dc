/** Between a WebSocket and a connection: frames in, batches out, life and death of the pipe (dossier A, I, J.5). */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { closeCodes, errors, ProtocolError } from '@longwire/protocol';
import type { RawData } from 'ws';
import type { Connection } from '../connection/connection.ts';
import { Lifetime, type LifetimeOptions } from './lifetime.ts';
import { Outbox, type OutboxLimits } from './outbox.ts';
import type { ServerSocket } from './server-socket.ts';

/** Batches that may wait for the socket before it is not read from any more. */
const backlogLimit = 64;

/** What a session needs to know. */
export interface SessionOptions {
  readonly outbox: OutboxLimits;
  readonly lifetime: LifetimeOptions;
  readonly maxFrameBytes: number;
  /** Monotonic time in milliseconds. */
  readonly now: () => number;
  /** 0 to 1: sets connections of one moment apart. */
  readonly random: () => number;
}

/** How a session ends. */
export interface Leave {
  /** Of the close frame. */
  readonly code: number;
  readonly reason: string;
  /** What requests are told that do not run yet, and responses that have to be cut. */
  readonly refusal: ProtocolError;
  /** An `error` event that belongs to no request, right before the close. */
  readonly farewell?: ProtocolError;
}

/** A WebSocket and the connection behind it. */
export class SocketSession {
  readonly connection: Connection;
  readonly #socket: ServerSocket;
  readonly #stream: Socket;
  readonly #options: SessionOptions;
  readonly #outbox: Outbox;
  readonly #life: Lifetime;
  #leave: Leave | null = null;
  #isCut = false;

  constructor(socket: ServerSocket, stream: Socket, connection: Connection, options: SessionOptions) {
    this.connection = connection;
    this.#socket = socket;
    this.#stream = stream;
    this.#options = options;
    this.#outbox = new Outbox(socket, stream, options.outbox);
    this.#life = new Lifetime(options.lifetime, options.now(), options.random());
  }

  /** Serves the socket until there is nothing more to say on it. */
  async serve(): Promise<void> {
    const socket = this.#socket;
    socket.on('message', (data, isBinary) => {
      if (isBinary) this.connection.refuse(errors.binaryFrame());
      else this.connection.receive(toText(data));
      if (this.connection.backlog > backlogLimit) socket.pause();
    });
    socket.on('error', (error) => this.#refuseFrame(error));
    socket.on('close', () => this.connection.close());

    for await (const { streamId, events } of this.connection.output) {
      if (!(await this.#outbox.write(streamId, events))) this.#giveUpOnReader();
      if (socket.isPaused && this.connection.backlog <= backlogLimit / 2) socket.resume();
    }
    const { code, reason } = this.#leave ?? closeCodes.internal;
    this.#outbox.flush();
    socket.close(code, reason);
  }

  /** One beat of the heartbeat. */
  beat(): void {
    const nowMs = this.#options.now();
    const { bytesRead, bytesWritten, writableLength } = this.#stream;
    const verdict = this.#life.beat({
      nowMs,
      bytesRead,
      bytesDelivered: writableLength > 0 ? bytesWritten - writableLength : null,
      isHeld: this.#outbox.isFull || this.#socket.isPaused,
    });
    switch (verdict) {
      case 'dead':
        return this.terminate();
      case 'retire':
      case 'cut':
        void this.leave(this.#expiry());
        if (verdict === 'cut') this.cut();
        break;
      case 'ping':
    }
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  /**
   * Takes no new requests, lets running turns end, then says why and closes; at once where nothing runs. Resolves when the
   * socket has closed. The first reason to leave is the one that is told.
   */
  async leave(why: Leave): Promise<void> {
    if (this.#socket.readyState === this.#socket.CLOSED) return;
    const closed = once(this.#socket, 'close');
    if (!this.#leave) {
      this.#leave = why;
      this.connection.retire(why.refusal);
      void this.connection.settled().then(() => this.connection.end(why.farewell ?? null));
    }
    await closed;
  }

  /** Of a session that leaves: ends its turns now, each with `response.failed`. What stays open a moment later is dropped. */
  cut(): void {
    if (this.#isCut || !this.#leave) return;
    this.#isCut = true;
    this.#life.cut(this.#options.now());
    this.#outbox.hurry();
    this.connection.fail(this.#leave.refusal);
  }

  /** Closes after a failure of ours; the turns stop when the socket has closed. */
  fail(): void {
    const { code, reason } = closeCodes.internal;
    this.#outbox.flush();
    this.#socket.close(code, reason);
  }

  /** Drops the socket without a closing handshake: nobody is there to answer one. */
  terminate(): void {
    this.#socket.terminate();
  }

  #expiry(): Leave {
    const minutes = Math.max(1, Math.round(this.#options.lifetime.lifetimeMs / 60_000));
    const error = errors.connectionLimitReached(minutes);
    return { ...closeCodes.lifetime, refusal: error, farewell: error };
  }

  /** The receiver met a frame that it cannot take, and reads no further: neither will we. */
  #refuseFrame(error: Error): void {
    const code = this.#socket.refusedWith;
    // Else the socket broke while we wrote, and closes by itself.
    if (code === null) return;
    const isTooLarge = code === closeCodes.tooLarge.code;
    this.#closeNow({
      code,
      reason: isTooLarge ? closeCodes.tooLarge.reason : error.message,
      refusal: interrupted(isTooLarge ? 'a message on it was too large' : 'a frame on it was malformed'),
      ...(isTooLarge && { farewell: errors.messageTooLarge(this.#options.maxFrameBytes) }),
    });
  }

  #giveUpOnReader(): void {
    this.#closeNow({ ...closeCodes.slowReader, refusal: interrupted(closeCodes.slowReader.reason) });
  }

  #closeNow(why: Leave): void {
    void this.leave(why);
    this.cut();
  }
}

/** The close of a session whose server goes away. */
export function restartLeave(retryAfterMs: number): Leave {
  return { ...closeCodes.restart, refusal: errors.serverIsDraining(retryAfterMs) };
}

/** What a turn hears that is cut for no fault of its own: it may be tried again. */
function interrupted(why: string): ProtocolError {
  return new ProtocolError('server_error', { message: `The connection closed before the response was done: ${why}.` });
}

function toText(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return (data instanceof ArrayBuffer ? Buffer.from(data) : data).toString();
}
