/** Between a WebSocket and a connection: frames in, batches out, life and death of the pipe (dossier A, I). */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { closeCodes, errors, type CloseReason } from '@longwire/protocol';
import type { RawData, WebSocket } from 'ws';
import type { Connection } from '../connection/connection.ts';
import { Outbox, type OutboxLimits } from './outbox.ts';

/** Batches that may wait for the socket before it is not read from any more. */
const backlogLimit = 64;

/** A WebSocket and the connection behind it. */
export class SocketSession {
  readonly connection: Connection;
  readonly #socket: WebSocket;
  readonly #outbox: Outbox;
  /** Unix ms of the last sign of life from the peer. */
  lastSeenMs: number;

  constructor(socket: WebSocket, stream: Duplex, connection: Connection, limits: OutboxLimits, nowMs: number) {
    this.#socket = socket;
    this.connection = connection;
    this.#outbox = new Outbox(socket, stream, limits);
    this.lastSeenMs = nowMs;
  }

  /** Serves the socket until it is closed. `now` is Unix time in milliseconds. */
  async serve(now: () => number): Promise<void> {
    const socket = this.#socket;
    const seen = () => {
      this.lastSeenMs = now();
    };
    socket.on('pong', seen);
    socket.on('ping', seen);
    socket.on('message', (data, isBinary) => {
      seen();
      if (isBinary) this.connection.refuse(errors.binaryFrame());
      else this.connection.receive(toText(data));
      if (this.connection.backlog > backlogLimit) socket.pause();
    });
    // A frame that breaks the protocol or the size limit: ws closes with the right code by itself.
    socket.on('error', () => {});
    socket.on('close', () => this.connection.close());

    for await (const { streamId, events } of this.connection.output) {
      this.#outbox.write(streamId, events);
      if (!(await this.#outbox.hasRoom())) return this.close('slowReader');
      if (socket.isPaused && this.connection.backlog <= backlogLimit / 2) socket.resume();
    }
  }

  /** Sends a ping; the pong counts as a sign of life. */
  ping(): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  /** Says why and closes; the turns stop when the socket has closed. */
  close(why: CloseReason): void {
    const { code, reason } = closeCodes[why];
    this.#socket.close(code, reason);
  }

  /** Closes with 1012 once nothing runs any more; resolves when the socket has closed. */
  async drain(): Promise<void> {
    const closed = once(this.#socket, 'close');
    await this.connection.settled();
    this.close('restart');
    await closed;
  }

  /** Drops the socket without a closing handshake: nobody is there to answer one. */
  terminate(): void {
    this.#socket.terminate();
  }
}

function toText(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return (data instanceof ArrayBuffer ? Buffer.from(data) : data).toString();
}
