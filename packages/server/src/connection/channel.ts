/** Many lanes write, one socket reads: a queue that holds each writer until its batch was taken. */

interface Entry<T> {
  readonly value: T;
  readonly taken: () => void;
}

/** An async channel with one reader. A writer that awaits `push` goes no faster than the reader: that is the backpressure. */
export class Channel<T> {
  readonly #entries: Entry<T>[] = [];
  #wake: (() => void) | null = null;
  #closed = false;

  /** Values that nobody has taken yet. */
  get size(): number {
    return this.#entries.length;
  }

  /** Resolves when the reader took the value, or when the channel is closed. */
  push(value: T): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((taken) => {
      this.#entries.push({ value, taken });
      this.#wakeReader();
    });
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
  async read(take: (value: T) => Promise<void>): Promise<void> {
    for (;;) {
      if (this.#entries.length > 0) await this.#give(take);
      else if (this.#closed) return;
      else await new Promise<void>((wake) => (this.#wake = wake));
    }
  }

  async #give(take: (value: T) => Promise<void>): Promise<void> {
    const entry = this.#entries.shift();
    if (!entry) return;
    try {
      await take(entry.value);
    } finally {
      // The reader has it, or has failed: either way this writer must go on.
      entry.taken();
    }
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
