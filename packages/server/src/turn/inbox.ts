/** One reader that waits for several things at once. */

/** A queue with one waiting reader: racing long-lived promises instead would leave a listener behind for every race. */
export class Inbox<T> {
  readonly #values: T[] = [];
  #reader: ((value: T) => void) | null = null;

  put(value: T): void {
    const reader = this.#reader;
    if (reader) {
      this.#reader = null;
      reader(value);
    } else {
      this.#values.push(value);
    }
  }

  /** The next value, when there is one. One reader at a time. */
  take(): Promise<T> {
    const value = this.#values.shift();
    if (value !== undefined) return Promise.resolve(value);
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }
}
