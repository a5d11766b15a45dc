/** Retention: looks through the store now and then, and lets go of what is too old or too much. */
import type { RetentionLimits, Store } from './store.ts';

/** What may stay, and for how long. */
export interface RetentionOptions extends Pick<RetentionLimits, 'maxResponses' | 'maxBytes'> {
  /** A chain of responses goes when its newest one is this old. Seconds. */
  readonly keptSeconds: number;
  /** The events of a background response go when they are this old. Seconds. */
  readonly eventsKeptSeconds: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** What went wrong: the next round tries again. */
  readonly onError: (error: unknown) => void;
}

/** Between two rounds. Milliseconds. */
const intervalMs = 600_000;

/** Rounds over one store. */
export class Retention {
  readonly #store: Store;
  readonly #options: RetentionOptions;
  readonly #timer: NodeJS.Timeout;
  #round: Promise<void> | null = null;
  #closed = false;

  constructor(store: Store, options: RetentionOptions) {
    this.#store = store;
    this.#options = options;
    this.#timer = setInterval(() => void this.run(), intervalMs).unref();
  }

  /** One round, piece by piece so that writers come in between. Never throws. */
  run(): Promise<void> {
    this.#round ??= this.#expire().finally(() => (this.#round = null));
    return this.#round;
  }

  /** No more rounds. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#round;
  }

  async #expire(): Promise<void> {
    const { keptSeconds, eventsKeptSeconds, maxResponses, maxBytes, now, onError } = this.#options;
    const nowSeconds = Math.floor(now() / 1000);
    const limits = {
      before: nowSeconds - keptSeconds,
      eventsBefore: nowSeconds - eventsKeptSeconds,
      maxResponses,
      maxBytes,
    };
    try {
      while (!this.#closed && (await this.#store.expire(limits)));
    } catch (error) {
      onError(error);
    }
  }
}
