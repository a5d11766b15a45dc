/**
 * A connection that outlives its sockets (PROTOCOL.md 11.1, docs/decisions/0010).
 *
 * One pump takes the connection's events into the ledger, numbered and encoded; each socket reads the ledger from where its client
 * stopped. So what is sent again and what is sent for the first time take the same way, and a socket that goes away leaves
 * nothing half done. The ledger is bounded: when it is full the pump stops, and the lanes wait as they do for a full outbox.
 */
import {
  closeCodes,
  errors,
  parseAck,
  parseJsonObjectOfAnyDepth,
  takeOrdinal,
  toProtocolError,
  type ConnectionEvent,
} from '@longwire/protocol';
import type { Connection } from '../connection/connection.ts';
import { EventEncoders } from './event-json.ts';
import type { FrameBudget } from './frame-budget.ts';
import { Ledger } from './ledger.ts';

/** How a socket ends whose connection goes on. */
export interface Parting {
  /** Of the close frame. */
  readonly code: number;
  readonly reason: string;
}

/** The socket that a connection has now. */
export interface Attachment {
  /** Closes the socket, and nothing else. */
  part(why: Parting): void;
  /** Reads on, whatever has piled up: the client's acknowledgements are waited for. */
  listen(): void;
}

/** Who knows the connections that wait for a socket. */
export interface ResumableHome {
  /** Its socket is gone, and may be followed by another. */
  detached(resumable: Resumable): void;
  /** It has ended, or will: no socket can have it any more. */
  retired(resumable: Resumable): void;
}

/** What a resumable connection may keep. */
export interface ResumableOptions {
  readonly graceMs: number;
  /** Bytes of frames that were not acknowledged; beyond them the lanes wait. */
  readonly bufferBytes: number;
  /** Whether idempotency keys are honoured. */
  readonly idempotency: boolean;
  /** Monotonic time in milliseconds. */
  readonly now: () => number;
}

/** A connection, what its client may ask for again, and the socket that it has or waits for. */
export class Resumable {
  readonly connection: Connection;
  readonly #token: string;
  readonly #options: ResumableOptions;
  readonly #budget: FrameBudget;
  readonly #home: ResumableHome;
  readonly #ledger = new Ledger();
  readonly #encoders = new EventEncoders();
  #socket: Attachment | null = null;
  #detachedMs: number | null = null;
  /** Since when the ledger has been full, while it is. */
  #fullMs: number | null = null;
  #hurries = false;
  #isOver = false;
  #change = Promise.withResolvers<void>();

  constructor(
    connection: Connection,
    token: string,
    home: ResumableHome,
    budget: FrameBudget,
    options: ResumableOptions,
  ) {
    this.connection = connection;
    this.#token = token;
    this.#home = home;
    this.#budget = budget;
    this.#options = options;
  }

  /** When its socket went away; null while it has one. */
  get detachedMs(): number | null {
    return this.#detachedMs;
  }

  /** Whether its lanes wait for the client to acknowledge. */
  get isFull(): boolean {
    return this.#fullMs !== null;
  }

  /** Takes what the connection says into the ledger, until it ends. */
  async pump(): Promise<void> {
    await this.connection.read(({ streamId, events }) => {
      // Nobody would give back what an ended connection takes of the budget.
      if (this.#isOver) return null;
      const encoder = this.#encoders.of(streamId);
      const before = this.#ledger.keptBytes;
      for (const event of events) this.#ledger.keep(encoder.encode(event));
      this.#budget.take(this.#ledger.keptBytes - before);
      this.#wake();
      return this.#hasRoom();
    });
    this.#isOver = true;
    this.#wake();
  }

  /**
   * Whether a client that has received up to `received` can go on without a loss. One that has a socket may have received, and
   * acknowledged, more on it since it asked for the next.
   */
  reaches(received: number): boolean {
    return this.#ledger.reaches(received) || (this.#socket !== null && received <= this.#ledger.sent);
  }

  /** Gives the connection a socket, in place of the one that it may still have. */
  attach(socket: Attachment): void {
    const former = this.#socket;
    this.#socket = socket;
    this.#detachedMs = null;
    if (this.#fullMs !== null) this.#fullMs = this.#options.now();
    this.#wake();
    former?.part(closeCodes.takenOver);
  }

  /** What the socket must send, in order: who this connection is, then every frame behind `after`, those to come included. */
  async *frames(socket: Attachment, resumed: boolean, after: number): AsyncGenerator<readonly string[]> {
    yield [JSON.stringify(this.#hello(resumed))];
    for (let last = after; this.#socket === socket;) {
      const { promise } = this.#change;
      const frames = this.#ledger.after(last);
      last = this.#ledger.sent;
      if (frames.length > 0) yield frames;
      else if (this.#isOver) return;
      else await promise;
    }
  }

  /** One text frame of the client. A socket that was taken over has nothing to say any more: the newer one brings it again. */
  receive(socket: Attachment, text: string): void {
    if (this.#socket !== socket) return;
    try {
      // How deep it is, is asked after its ordinal was counted: else it would be missing for ever.
      const body = parseJsonObjectOfAnyDepth(text);
      if (body['type'] === 'longwire:ack') return this.acknowledge(parseAck(body));
      switch (this.#ledger.arrive(takeOrdinal(body))) {
        case 'next':
          return this.connection.receiveBody(body);
        case 'gap':
          return socket.part(closeCodes.gap);
        case 'duplicate':
      }
    } catch (thrown) {
      this.connection.refuse(toProtocolError(thrown));
    }
  }

  /** The client has every frame up to this one. Throws `invalid_value` for one that was never sent. */
  acknowledge(ordinal: number): void {
    const before = this.#ledger.keptBytes;
    if (!this.#ledger.acknowledge(ordinal)) throw errors.invalidValue('received', 'no such frame was sent yet.');
    this.#budget.give(before - this.#ledger.keptBytes);
    if (this.isFull && !this.#isCrowded) this.#wake();
  }

  /** From now on the pump waits for nobody: what is left to say is little. */
  hurry(): void {
    this.#hurries = true;
    this.#wake();
  }

  /** Whether the client, though it has a socket, has left the ledger full for too long. */
  isStuck(nowMs: number, deadlineMs: number): boolean {
    return this.#fullMs !== null && nowMs - this.#fullMs >= deadlineMs;
  }

  /** The socket is gone. The connection waits for the next one, or ends with it. */
  detach(socket: Attachment, isFinal: boolean): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#wake();
    if (isFinal || this.#isOver) return this.end();
    this.#detachedMs = this.#options.now();
    this.#home.detached(this);
  }

  /** No other socket can have it from now on. */
  retire(): void {
    this.#home.retired(this);
  }

  /** Ends the connection: its turns stop and its lanes are forgotten, as when the socket of any other connection closes. */
  end(): void {
    this.retire();
    this.#isOver = true;
    this.connection.close();
    this.#budget.give(this.#ledger.keptBytes);
    this.#ledger.acknowledge(this.#ledger.sent);
    this.hurry();
  }

  #hello(resumed: boolean): ConnectionEvent {
    return {
      type: 'longwire:connection',
      token: this.#token,
      resumed,
      received: this.#ledger.received,
      grace_ms: this.#options.graceMs,
      idempotency: this.#options.idempotency,
    };
  }

  get #isCrowded(): boolean {
    const { keptBytes } = this.#ledger;
    return keptBytes > this.#options.bufferBytes || this.#budget.refuses(keptBytes);
  }

  async #hasRoom(): Promise<void> {
    while (this.#isCrowded && !this.#hurries) {
      this.#fullMs ??= this.#options.now();
      this.#socket?.listen();
      const { promise } = this.#change;
      this.#budget.onRoom(this.#wake);
      await promise;
    }
    this.#fullMs = null;
  }

  readonly #wake = (): void => {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  };
}
