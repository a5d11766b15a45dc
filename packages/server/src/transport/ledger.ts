/**
 * What goes over a resumable connection, by ordinal (PROTOCOL.md 11.1): which frames of the client have come, and which of ours it
 * may still ask for again. A state machine: no socket, no timer.
 */
import { ordinalField } from '@longwire/protocol';

/** A frame of the client: the next one, one that came before, or one behind another that is missing. */
export type Arrival = 'next' | 'duplicate' | 'gap';

/** Both directions of one connection. Every ordinal begins at 1. */
export class Ledger {
  /** Frames behind the last acknowledged one. */
  readonly #kept: string[] = [];
  #keptBytes = 0;
  #acknowledged = 0;
  #received = 0;

  /** The ordinal of our newest frame. */
  get sent(): number {
    return this.#acknowledged + this.#kept.length;
  }

  /** The ordinal of the client's newest frame. */
  get received(): number {
    return this.#received;
  }

  /** What is kept, in bytes. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Numbers the JSON of an event and keeps it. */
  keep(json: string): void {
    const frame = `${json.slice(0, -1)},"${ordinalField}":${this.sent + 1}}`;
    this.#kept.push(frame);
    this.#keptBytes += Buffer.byteLength(frame);
  }

  /** The client has all frames up to this one: drops them. False for one that was never sent. */
  acknowledge(ordinal: number): boolean {
    if (ordinal > this.sent) return false;
    const count = Math.max(0, ordinal - this.#acknowledged);
    for (const frame of this.#kept.splice(0, count)) this.#keptBytes -= Buffer.byteLength(frame);
    this.#acknowledged += count;
    return true;
  }

  /** Whether every frame behind this one is still here, so that a client can go on there. */
  reaches(ordinal: number): boolean {
    return ordinal >= this.#acknowledged && ordinal <= this.sent;
  }

  /** The frames behind this one. */
  after(ordinal: number): readonly string[] {
    return this.#kept.slice(Math.max(0, ordinal - this.#acknowledged));
  }

  /** Counts a frame of the client in, if it is the next one. */
  arrive(ordinal: number): Arrival {
    if (ordinal <= this.#received) return 'duplicate';
    if (ordinal > this.#received + 1) return 'gap';
    this.#received = ordinal;
    return 'next';
  }
}
