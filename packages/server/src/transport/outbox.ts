/** What leaves a socket: events are encoded once, written in one go, and a slow reader is waited for (dossier I, J.5). */
import type { Duplex } from 'node:stream';
import type { KnownEvent } from '@longwire/protocol';
import type { WebSocket } from 'ws';
import { drained } from './drain.ts';
import { EventEncoders } from './event-json.ts';
import { encodeTextFrames } from './frames.ts';

/** Limits of what may wait for a reader. */
export interface OutboxLimits {
  /** Bytes that may wait before the lanes pause. */
  readonly limitBytes: number;
  /** How long a full outbox waits for its reader, in milliseconds. */
  readonly deadlineMs: number;
}

/** Writes frames to one socket. */
export class Outbox {
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  readonly #limits: OutboxLimits;
  /** Ends the wait for the reader; null while there is none. */
  #wait: AbortController | null = null;
  #hurries = false;
  readonly #encoders = new EventEncoders();
  /** Frames of this tick. */
  #held: string[] = [];
  #heldCharacters = 0;

  constructor(socket: WebSocket, stream: Duplex, limits: OutboxLimits) {
    this.#socket = socket;
    this.#stream = stream;
    this.#limits = limits;
  }

  /** Whether it waits for its reader. */
  get isFull(): boolean {
    return this.#wait !== null;
  }

  /** From now on nothing waits for the reader: what is left to say is little, and the socket will close. */
  hurry(): void {
    this.#hurries = true;
    this.#wait?.abort();
  }

  /**
   * Takes the events as one text frame each; waits whenever more than the limit is on its way. False when the reader was too
   * slow: then the rest was written all the same, so that no response ends in the middle.
   */
  async write(streamId: string | null, events: readonly KnownEvent[]): Promise<boolean> {
    let inTime = true;
    const encoder = this.#encoders.of(streamId);
    for (const event of events) {
      if (this.#socket.readyState !== this.#socket.OPEN) break;
      if (!this.#hold(encoder.encode(event))) inTime &&= await this.#hasRoom();
    }
    return inTime;
  }

  /** The same for events that are encoded already. */
  async send(texts: readonly string[]): Promise<boolean> {
    let inTime = true;
    for (const text of texts) {
      if (this.#socket.readyState !== this.#socket.OPEN) break;
      if (!this.#hold(text)) inTime &&= await this.#hasRoom();
    }
    return inTime;
  }

  /** Writes what is held. Call it before the socket is closed: nothing may follow a close frame. */
  flush(): void {
    if (this.#held.length === 0) return;
    const texts = this.#held;
    this.#held = [];
    this.#heldCharacters = 0;
    if (this.#socket.readyState === this.#socket.OPEN) this.#stream.write(encodeTextFrames(texts));
  }

  /**
   * Holds a frame back until nothing more can be said without waiting: a tick comes after every promise that is settled
   * already. A turn whose engine answers at once leaves in one write in place of four, and nothing is later for it. False when
   * that is more than may wait: then it is written now.
   */
  #hold(text: string): boolean {
    if (this.#held.length === 0) process.nextTick(() => this.flush());
    this.#held.push(text);
    this.#heldCharacters += text.length;
    if (this.#stream.writableLength + this.#heldCharacters <= this.#limits.limitBytes) return true;
    this.flush();
    return false;
  }

  async #hasRoom(): Promise<boolean> {
    if (this.#hurries || this.#stream.writableLength <= this.#limits.limitBytes) return true;
    this.#wait = new AbortController();
    try {
      return (await drained(this.#stream, this.#limits.deadlineMs, this.#wait.signal)) || this.#hurries;
    } finally {
      this.#wait = null;
    }
  }
}
