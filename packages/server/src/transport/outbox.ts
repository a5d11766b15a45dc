/** What leaves a socket: events are encoded once, written in one go, and a slow reader is waited for (dossier I, J.5). */
import type { Duplex } from 'node:stream';
import type { KnownEvent } from '@longwire/protocol';
import type { WebSocket } from 'ws';
import { drained } from './drain.ts';
import { EventEncoders } from './event-json.ts';
import { takeFrameBuffer, type FrameBuffer } from './frames.ts';

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
  /** Frames of this tick; null between ticks. */
  #held: FrameBuffer | null = null;

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
   * Takes the events as one text frame each; waits whenever more than the limit is on its way, else not at all. False when the reader
   * was too slow: then the rest was written all the same, so that no response ends in the middle.
   */
  write(streamId: string | null, events: readonly KnownEvent[]): boolean | Promise<boolean> {
    const encoder = this.#encoders.of(streamId);
    return this.#writeFrom(0, events, (event, frames) => encoder.write(event, frames), true);
  }

  /** The same for events that are encoded already. */
  send(texts: readonly string[]): boolean | Promise<boolean> {
    return this.#writeFrom(0, texts, (text, frames) => frames.text(text), true);
  }

  /** Writes what is held. Call it before the socket is closed: nothing may follow a close frame. */
  flush(): void {
    const frames = this.#held;
    if (frames === null) return;
    this.#held = null;
    // What may have to wait for its reader waits in memory of its own size, or each small frame would hold a whole buffer.
    const mayWait = this.#stream.writableLength > 0 || frames.hasGrown;
    const bytes = mayWait ? Buffer.from(frames.bytes) : frames.bytes;
    if (this.#socket.readyState === this.#socket.OPEN) this.#stream.write(bytes);
    // A stream with nothing left to write has given all bytes to the system.
    if (mayWait || this.#stream.writableLength === 0) frames.giveBack();
  }

  /**
   * What is said is held back until nothing more can be said without waiting: a tick comes after every promise that is settled
   * already. A turn whose engine answers at once leaves in one write in place of four, and nothing is later for it. Where more is held
   * than may wait, it is written now, and the reader is waited for as long as it was `inTime`.
   */
  #writeFrom<T>(
    start: number,
    values: readonly T[],
    write: (value: T, frames: FrameBuffer) => void,
    inTime: boolean,
  ): boolean | Promise<boolean> {
    if (this.#socket.readyState !== this.#socket.OPEN || values.length === start) return inTime;
    let frames = this.#hold();
    let room = this.#limits.limitBytes - this.#stream.writableLength;
    for (let at = start; at < values.length; at++) {
      write(values[at] as T, frames);
      if (frames.length <= room) continue;
      this.flush();
      if (inTime) return this.#writeBehind(at + 1, values, write);
      frames = this.#hold();
      room = this.#limits.limitBytes - this.#stream.writableLength;
    }
    return inTime;
  }

  async #writeBehind<T>(
    start: number,
    values: readonly T[],
    write: (value: T, frames: FrameBuffer) => void,
  ): Promise<boolean> {
    return this.#writeFrom(start, values, write, await this.#hasRoom());
  }

  #hold(): FrameBuffer {
    if (this.#held === null) {
      this.#held = takeFrameBuffer();
      process.nextTick(() => this.flush());
    }
    return this.#held;
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
