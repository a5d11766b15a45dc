/** The events of one response that has no client: written down first, then told to whoever reads along (dossier L.4). */
import type { KnownEvent } from '@longwire/protocol';

/** Writes events down; false when this process may not any more. */
export type WriteEvents = (events: readonly KnownEvent[]) => Promise<boolean>;

/** Events that may wait for the disk before their source has to. */
const backlogLimit = 1024;

/**
 * What a reader was told is on disk: a restart can go on behind it without losing or repeating a number. While one batch is being
 * written the next ones gather, so that a fast engine does not wait for every flush.
 */
export class EventJournal {
  readonly #write: WriteEvents;
  /** Written down. The index is the `sequence_number`. */
  readonly #events: KnownEvent[] = [];
  #gathered: KnownEvent[] = [];
  #writing: Promise<void> | null = null;
  #over = false;
  #failed = false;
  #change = Promise.withResolvers<void>();

  constructor(write: WriteEvents) {
    this.#write = write;
  }

  /** Whether events could not be written: nothing more will be. */
  get hasFailed(): boolean {
    return this.#failed;
  }

  /** Takes events; resolves when there is room for more. */
  async push(events: readonly KnownEvent[]): Promise<void> {
    if (this.#failed || events.length === 0) return;
    this.#gathered.push(...events);
    this.#writing ??= this.#writeAll();
    if (this.#gathered.length > backlogLimit) await this.#writing;
  }

  /** Resolves when everything that came was written, or could not be. */
  async flushed(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  /** Tells readers of events that were written by other means. */
  publish(events: readonly KnownEvent[]): void {
    this.#events.push(...events);
    this.#wake();
  }

  /** Nothing more comes: readers end behind the last event. */
  end(): void {
    this.#over = true;
    this.#wake();
  }

  /** The events behind a number (-1: all), those to come included. Every reader goes at its own pace. */
  async *read(after: number): AsyncGenerator<readonly KnownEvent[], void, undefined> {
    for (let next = after + 1; ;) {
      const change = this.#change.promise;
      const events = this.#events.slice(next);
      next += events.length;
      if (events.length > 0) yield events;
      else if (this.#over) return;
      else await change;
    }
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#gathered.length > 0 && !this.#failed) {
        const events = this.#gathered;
        this.#gathered = [];
        if (await this.#write(events)) this.publish(events);
        else this.#failed = true;
      }
    } catch {
      this.#failed = true;
    } finally {
      this.#writing = null;
    }
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
