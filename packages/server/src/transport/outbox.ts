/** What leaves a socket: events are encoded once, written in one go, and a slow reader is waited for (dossier I, J.5). */
import type { Duplex } from 'node:stream';
import type { KnownEvent } from '@longwire/protocol';
import type { WebSocket } from 'ws';
import { drained } from './drain.ts';

/** The JSON of an event, with the lane's `stream_id` where it has one (dossier C.1, 1). */
export function encodeEvent(event: KnownEvent, streamId: string | null): string {
  const json = JSON.stringify(event);
  // A stream id is made of letters, digits, '_', '-' and '.': it needs no escaping.
  return streamId === null ? json : `${json.slice(0, -1)},"stream_id":"${streamId}"}`;
}

/** Limits of what may wait for a reader. */
export interface OutboxLimits {
  /** Bytes that may wait before the lanes pause. */
  readonly limitBytes: number;
  /** How long a full outbox waits for its reader, in milliseconds. */
  readonly deadlineMs: number;
}

/** Text goes out as it is: to compress it would cost more time than the bytes are worth (docs/decisions/0007). */
const plain = { compress: false };

/** Writes frames to one socket. */
export class Outbox {
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  readonly #limits: OutboxLimits;
  /** Ends the wait for the reader; null while there is none. */
  #wait: AbortController | null = null;
  #hurries = false;
  #isCorked = false;

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
   * Writes the events as one text frame each; pauses whenever more than the limit waits. False when the reader was too slow:
   * then the rest was written all the same, so that no response ends in the middle.
   */
  async write(streamId: string | null, events: readonly KnownEvent[]): Promise<boolean> {
    let inTime = true;
    for (const event of events) {
      if (this.#socket.readyState !== this.#socket.OPEN) break;
      this.#cork();
      this.#socket.send(encodeEvent(event, streamId), plain);
      if (this.#stream.writableLength <= this.#limits.limitBytes) continue;
      this.#uncork();
      inTime &&= await this.#hasRoom();
    }
    return inTime;
  }

  /**
   * Holds frames back until nothing more can be said without waiting: a tick comes after every promise that is settled
   * already. A turn whose engine answers at once leaves in one write in place of four, and nothing is later for it.
   */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#stream.cork();
    process.nextTick(() => this.#uncork());
  }

  #uncork(): void {
    if (!this.#isCorked) return;
    this.#isCorked = false;
    this.#stream.uncork();
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
