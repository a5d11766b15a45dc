/** Many lanes write, one socket reads: a queue that holds each writer until its batch was taken. */

interface Entry<T> {
  readonly value: T;
  readonly taken: () => void;
}

/** Takes a value: null where that is done at once. */
export type Taker<T> = (value: T) => Promise<void> | null;

const done = Promise.resolve();

/** An async channel with one reader. A writer that awaits `push` goes no faster than the reader: that is the backpressure. */
export class Channel<T> {
  readonly #entries: Entry<T>[] = [];
  #take: Taker<T> = () => null;
  /** Ends the reader's wait; null while it has something to do. */
  #wake: (() => void) | null = null;
  /** A value that is being taken past the queue. */
  #taking: Promise<void> | null = null;
  #closed = false;

  /** Values that nobody has taken yet. */
  get size(): number {
    return this.#entries.length;
  }

  /** Resolves when the reader took the value, or when the channel is closed. */
  push(value: T): Promise<void> {
    if (this.#closed) return done;
    if (this.#wake) return this.#give(value);
    return new Promise((taken) => this.#entries.push({ value, taken }));
  }

  /** Ends the reader after what is queued; with `discard`, at once. */
  close(discard = false): void {
    this.#closed = true;
    if (discard) for (const entry of this.#entries.splice(0)) entry.taken();
    this.#wakeReader();
  }

  /**
   * Gives each value to the reader, one after another, until the channel is closed. No iterator: a loop that waits for the next value
   * keeps the last one alive, and behind it a whole response with its tools (50 KB of each idle connection of a Codex).
   */
  async read(take: Taker<T>): Promise<void> {
    this.#take = take;
    for (;;) {
      if (this.#taking) await this.#taken(this.#taking);
      else if (this.#entries.length > 0) await this.#giveNext();
      else if (this.#closed) return;
      else await new Promise<void>((wake) => (this.#wake = wake));
    }
  }

  /** The reader waits: it has the value at once, without the way through the queue. */
  #give(value: T): Promise<void> {
    let taking: Promise<void> | null;
    try {
      taking = this.#take(value);
    } catch (thrown) {
      taking = Promise.reject(thrown as Error);
    }
    if (taking === null) return done;
    this.#taking = taking;
    this.#wakeReader();
    // The reader has it, or has failed: either way this writer must go on.
    return taking.catch(() => {});
  }

  async #taken(taking: Promise<void>): Promise<void> {
    await taking;
    this.#taking = null;
  }

  async #giveNext(): Promise<void> {
    const entry = this.#entries.shift();
    if (!entry) return;
    try {
      await this.#take(entry.value);
    } finally {
      entry.taken();
    }
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
