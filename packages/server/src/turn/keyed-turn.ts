/**
 * A turn with an idempotency key (PROTOCOL.md 11.2): it runs for itself, its events are kept, and whoever sends the request reads them
 * from the first one on. Memory only.
 */
import { toResponseError, type KnownEvent, type ProtocolError, type Response } from '@longwire/protocol';
import type { ChainNode } from '../chain/node.ts';
import type { UnnumberedEvent } from './open-item.ts';
import type { InterruptReason, TurnEvents, TurnHandle, TurnRun } from './runner.ts';
import type { Turn } from './turn.ts';

/** One batch of events, and about what it takes to keep it. */
interface Batch {
  readonly events: readonly KnownEvent[];
  readonly bytes: number;
}

/** What a turn with a key is told. */
export interface KeyedTurnOptions {
  /** Bytes of events to keep, about: beyond them nobody can begin to read, and the run goes no faster than its slowest reader. */
  readonly bufferBytes: number;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Its last reader has gone before its end. */
  readonly onUnread: (turn: KeyedTurn) => void;
}

/** What an event takes beside its text, in bytes. */
const eventBytes = 300;

/** One run and its readers. */
export class KeyedTurn {
  readonly run: TurnRun;
  readonly #options: KeyedTurnOptions;
  readonly #seats = new Set<Seat>();
  #batches: Batch[] = [];
  /** Batches that are kept no more. */
  #dropped = 0;
  #keptBytes = 0;
  #node: ChainNode | null = null;
  #isAdopted = false;
  #isOver = false;
  /** Since when it has been over, or has run without a reader. */
  #idleMs: number | null = null;
  #change = Promise.withResolvers<void>();

  constructor(run: TurnRun, options: KeyedTurnOptions) {
    this.run = run;
    this.#options = options;
  }

  /** Whether a new reader would get every event. */
  get isWhole(): boolean {
    return this.#dropped === 0;
  }

  /** About what is kept, in bytes. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether anybody reads it. */
  get isRead(): boolean {
    return this.#seats.size > 0;
  }

  /** Whether for so long it has been over, or has run without a reader. */
  isIdle(nowMs: number, forMs: number): boolean {
    return this.#idleMs !== null && nowMs - this.#idleMs >= forMs;
  }

  /** The node, where nobody has it who would let the engine go of it. */
  get orphan(): ChainNode | null {
    return this.#isAdopted ? null : this.#node;
  }

  /** Runs the turn to its end. */
  async pump(): Promise<void> {
    try {
      this.#node = await this.#pull(this.run.events());
    } finally {
      this.#isOver = true;
      this.#idleMs = this.#options.now();
      this.wake();
    }
  }

  /** A place for one more reader, in front of the first event. */
  sit(): Seat {
    const seat = new Seat(this);
    this.#seats.add(seat);
    if (!this.#isOver) this.#idleMs = null;
    return seat;
  }

  /** A reader goes away. */
  leave(seat: Seat): void {
    if (!this.#seats.delete(seat)) return;
    this.wake();
    if (this.isRead || this.#isOver) return;
    this.#idleMs = this.#options.now();
    this.#options.onUnread(this);
  }

  /** Stops it without a terminal event. */
  abort(): void {
    this.run.abort();
    this.wake();
  }

  /** Has everybody look again who waits for a change. */
  wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  /** Batches from this one on, those to come included; the node at the end. */
  async *read(seat: Seat): TurnEvents {
    while (this.#seats.has(seat)) {
      const { promise } = this.#change;
      const batch = this.#batches[seat.position - this.#dropped];
      if (seat.failure && seat.position > 0 && !this.#isOver) {
        if (this.isWhole) {
          yield [this.#failedFor(seat, seat.failure)];
          return null;
        }
        // What this reader has been told is not known any more: its failure has to be everybody's.
        this.run.fail(seat.failure);
        seat.failure = null;
      } else if (batch) {
        yield batch.events;
        seat.position++;
        if (this.#keptBytes > this.#options.bufferBytes) this.wake();
      } else if (this.#isOver) {
        this.#isAdopted = true;
        return this.#node;
      } else {
        await promise;
      }
    }
    return null;
  }

  /** Keeps no events any more that nobody is reading. */
  drop(): void {
    const positions = [...this.#seats].map(({ position }) => position);
    const end = positions.length > 0 ? Math.min(...positions) : this.#dropped + this.#batches.length;
    const count = end - this.#dropped;
    for (const { bytes } of this.#batches.splice(0, count)) this.#keptBytes -= bytes;
    this.#dropped += count;
  }

  async #pull(events: TurnEvents): Promise<ChainNode | null> {
    for (;;) {
      const next = await events.next();
      if (next.done) return next.value;
      const bytes = next.value.reduce((sum, event) => sum + bytesOf(event), 0);
      this.#batches.push({ events: next.value, bytes });
      this.#keptBytes += bytes;
      this.wake();
      await this.#hasRoom();
    }
  }

  /** The end of the response for a reader that has to stop here; for others it goes on. */
  #failedFor({ position }: Seat, failure: ProtocolError): KnownEvent {
    const told = this.#batches.slice(0, position).flatMap(({ events }) => events);
    const output = told.flatMap((event) => (event.type === 'response.output_item.done' ? [event.item] : []));
    const { response } = this.run.turn;
    const failed: Response = { ...response, status: 'failed', error: toResponseError(failure), output };
    return { type: 'response.failed', response: failed, sequence_number: (told.at(-1)?.sequence_number ?? -1) + 1 };
  }

  /** Without a reader nothing is dropped: the run waits for one, or for its end. */
  async #hasRoom(): Promise<void> {
    while (this.#keptBytes > this.#options.bufferBytes && !this.run.isAborted) {
      const { promise } = this.#change;
      if (this.isRead) this.drop();
      if (this.#keptBytes > this.#options.bufferBytes) await promise;
    }
  }
}

/** One reader: to a lane, or to an HTTP request, it is a run of its own. */
export class Seat implements TurnHandle {
  readonly #keyed: KeyedTurn;
  /** Batches that the reader is done with. */
  position = 0;
  /** Why there is no time left to read on. */
  failure: ProtocolError | null = null;

  constructor(keyed: KeyedTurn) {
    this.#keyed = keyed;
  }

  get turn(): Turn {
    return this.#keyed.run.turn;
  }

  get isCancelled(): boolean {
    return this.#keyed.run.isCancelled;
  }

  get nextNumber(): number {
    return this.#keyed.run.nextNumber;
  }

  async *events(): TurnEvents {
    try {
      return yield* this.#keyed.read(this);
    } finally {
      this.#keyed.leave(this);
    }
  }

  /** Its client is gone: the turn runs on, for others and for when the client comes back. */
  abort(): void {
    this.#keyed.leave(this);
  }

  interrupt(reason: InterruptReason): void {
    this.#keyed.run.interrupt(reason);
  }

  fail(error: ProtocolError): void {
    this.failure = error;
    this.#keyed.wake();
  }

  number(event: UnnumberedEvent): KnownEvent {
    return this.#keyed.run.number(event);
  }
}

/** Deltas, most of what there is, are not written as JSON for it. */
function bytesOf(event: KnownEvent): number {
  const delta = 'delta' in event && typeof event.delta === 'string' ? event.delta : null;
  return delta === null ? JSON.stringify(event).length : eventBytes + delta.length;
}
