/** How many may run at once; the others wait in the order in which they came. */

/** A number of places. */
export class Places {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves with a place, or without one when `signal` aborts first. */
  async take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const hasPlace = () => resolve(true);
    this.#waiting.push(hasPlace);
    const givesUp = () => {
      const at = this.#waiting.indexOf(hasPlace);
      if (at !== -1) this.#waiting.splice(at, 1);
      resolve(false);
    };
    signal.addEventListener('abort', givesUp, { once: true });
    const taken = await promise;
    signal.removeEventListener('abort', givesUp);
    return taken;
  }

  /** Gives a place back: the one who waits longest gets it. */
  give(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
