/** Between a WebSocket and a connection: frames in, batches out, life and death of the pipe (dossier A, I, J.5). */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { closeCodes, errors, ProtocolError } from '@longwire/protocol';
import type { RawData } from 'ws';
import type { Connection } from '../connection/connection.ts';
import type { SocketCounts } from '../observe/snapshot.ts';
import { Lifetime, type LifetimeOptions } from './lifetime.ts';
import { Outbox, type OutboxLimits } from './outbox.ts';
import type { Attachment, Parting, Resumable } from './resumable.ts';
import type { ServerSocket } from './server-socket.ts';

/** Batches that may wait for the socket before it is not read from any more. */
const backlogLimit = 64;
/** The same for a client that neither acknowledges nor stops sending. */
const floodLimit = 1024;
/** The close code of a client whose page or process ends. */
const goingAway = 1001;

/** What a session needs to know. */
export interface SessionOptions {
  readonly outbox: OutboxLimits;
  readonly lifetime: LifetimeOptions;
  readonly maxFrameBytes: number;
  readonly counts: SocketCounts;
  /** Monotonic time in milliseconds. */
  readonly now: () => number;
  /** 0 to 1: sets connections of one moment apart. */
  readonly random: () => number;
}

/** What a socket goes on with that asked for a resumable connection. */
export interface Resumption {
  readonly resumable: Resumable;
  /** Whether the connection had a socket before. */
  readonly resumed: boolean;
  /** The ordinal behind which the client wants to go on. */
  readonly after: number;
}

/** How a session ends, and its connection with it. */
export interface Leave extends Parting {
  /** What requests are told that do not run yet, and responses that have to be cut. */
  readonly refusal: ProtocolError;
  /** An `error` event that belongs to no request, right before the close. */
  readonly farewell?: ProtocolError;
}

/** A WebSocket and the connection behind it. */
export class SocketSession implements Attachment {
  readonly connection: Connection;
  readonly #socket: ServerSocket;
  readonly #stream: Socket;
  readonly #options: SessionOptions;
  readonly #outbox: Outbox;
  readonly #life: Lifetime;
  /** Null where the connection ends with its socket. */
  readonly #resumption: Resumption | null;
  #leave: Leave | null = null;
  #isCut = false;
  #isParting = false;

  constructor(
    socket: ServerSocket,
    stream: Socket,
    connection: Connection,
    options: SessionOptions,
    resumption: Resumption | null,
  ) {
    this.connection = connection;
    this.#socket = socket;
    this.#stream = stream;
    this.#options = options;
    this.#outbox = new Outbox(socket, stream, options.outbox);
    this.#life = new Lifetime(options.lifetime, options.now(), options.random());
    this.#resumption = resumption;
    options.counts.opened++;
  }

  /** Bytes that wait for the reader. */
  get outboxBytes(): number {
    return this.#stream.writableLength;
  }

  /** Serves the socket until there is nothing more to say on it. */
  async serve(): Promise<void> {
    const socket = this.#socket;
    const resumable = this.#resumption?.resumable ?? null;
    socket.on('message', (data, isBinary) => {
      if (isBinary) this.connection.refuse(errors.binaryFrame());
      else if (resumable) resumable.receive(this, toText(data));
      else this.connection.receive(toText(data));
      if (this.connection.backlog > backlogLimit) this.#pause();
    });
    socket.on('error', (error) => this.#refuseFrame(error));
    socket.on('close', (code: number) => {
      if (resumable) resumable.detach(this, this.#isFinal(code));
      else this.connection.close();
    });

    if (this.#resumption) {
      await this.#resume(this.#resumption);
    } else {
      await this.connection.read(({ streamId, events }) => this.#written(this.#outbox.write(streamId, events)));
    }
    const { code, reason } = this.#leave ?? closeCodes.internal;
    this.#outbox.flush();
    socket.close(code, reason);
  }

  async #resume({ resumable, resumed, after }: Resumption): Promise<void> {
    resumable.attach(this);
    for await (const frames of resumable.frames(this, resumed, after)) this.#wasRead(await this.#outbox.send(frames));
  }

  /** Null where the outbox had room for all of it: nothing is waited for then. */
  #written(inTime: boolean | Promise<boolean>): Promise<void> | null {
    if (inTime !== true) return Promise.resolve(inTime).then((was) => this.#wasRead(was));
    this.#wasRead(true);
    return null;
  }

  #wasRead(inTime: boolean): void {
    // A socket that breaks while it is waited for has no reader to give up on.
    if (!inTime && this.#socket.readyState === this.#socket.OPEN) this.#giveUpOnReader();
    if (this.#socket.isPaused && this.connection.backlog <= backlogLimit / 2) this.#socket.resume();
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
        this.#options.counts.deadPeers++;
        return this.terminate();
      case 'retire':
      case 'cut':
        this.#retire(verdict === 'cut');
        break;
      case 'ping':
    }
    if (this.#resumption?.resumable.isStuck(nowMs, this.#options.outbox.deadlineMs)) this.#giveUpOnReader();
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  /**
   * Takes no new requests, lets running turns end, then says why and closes; at once where nothing runs. Resolves when the
   * socket has closed. The first reason to leave is the one that is told.
   */
  async leave(why: Leave): Promise<void> {
    if (this.#socket.readyState === this.#socket.CLOSED) return;
    const closed = once(this.#socket, 'close');
    if (!this.#leave && !this.#isParting) {
      this.#leave = why;
      this.#resumption?.resumable.retire();
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
    this.#resumption?.resumable.hurry();
    this.connection.fail(this.#leave.refusal);
  }

  /** Of a resumable connection: closes the socket alone. */
  part({ code, reason }: Parting): void {
    if (this.#leave || this.#isParting) return;
    this.#isParting = true;
    this.#outbox.hurry();
    this.#outbox.flush();
    this.#socket.close(code, reason);
  }

  listen(): void {
    if (this.#socket.isPaused) this.#socket.resume();
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

  /** Too old. A resumable connection loses only its socket, between turns if it can: its client goes on with another. */
  #retire(isOverdue: boolean): void {
    if (!this.#resumption) {
      void this.leave(this.#expiry());
      if (isOverdue) this.cut();
    } else if (isOverdue || this.connection.idle) {
      this.part(closeCodes.lifetime);
    }
  }

  /** Whether the connection ends with the socket: we said so, or the client did. */
  #isFinal(code: number): boolean {
    if (this.#leave) return true;
    return !this.#isParting && (code === closeCodes.normal.code || code === goingAway);
  }

  /** Not while a resumable connection waits to be acknowledged: who does not read would never know. */
  #pause(): void {
    if (!this.#resumption?.resumable.isFull) this.#socket.pause();
    else if (this.connection.backlog > floodLimit) this.#giveUpOnReader();
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
    if (this.#resumption && !isTooLarge) return this.part({ code, reason: error.message });
    this.#closeNow({
      code,
      reason: isTooLarge ? closeCodes.tooLarge.reason : error.message,
      refusal: interrupted(isTooLarge ? 'a message on it was too large' : 'a frame on it was malformed'),
      ...(isTooLarge && { farewell: errors.messageTooLarge(this.#options.maxFrameBytes) }),
    });
  }

  #giveUpOnReader(): void {
    if (!this.#leave && !this.#isParting) this.#options.counts.slowReaders++;
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
