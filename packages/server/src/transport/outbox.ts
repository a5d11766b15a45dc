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

/** Writes frames to one socket. */
export class Outbox {
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  readonly #limits: OutboxLimits;

  constructor(socket: WebSocket, stream: Duplex, limits: OutboxLimits) {
    this.#socket = socket;
    this.#stream = stream;
    this.#limits = limits;
  }

  /** Writes the events as one text frame each, corked into one write. */
  write(streamId: string | null, events: readonly KnownEvent[]): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#stream.cork();
    for (const event of events) this.#socket.send(encodeEvent(event, streamId));
    this.#stream.uncork();
  }

  /** True once there is room again; false when the reader took too long, or is gone. */
  async hasRoom(): Promise<boolean> {
    if (this.#stream.writableLength <= this.#limits.limitBytes) return true;
    return drained(this.#stream, this.#limits.deadlineMs);
  }
}
