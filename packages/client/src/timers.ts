/** Timers by name: setting one again replaces it. */

/** Timers of every platform overflow beyond this. */
const longestMs = 2 ** 31 - 1;

/** At most one timer for each name. */
export class Timers<Name extends string> {
  readonly #timers = new Map<Name, ReturnType<typeof setTimeout>>();

  /** Calls `then` after this time; `Infinity` never comes. */
  set(name: Name, waitMs: number, then: () => void): void {
    this.clear(name);
    if (waitMs !== Infinity) this.#timers.set(name, setTimeout(then, Math.min(waitMs, longestMs)));
  }

  clear(...names: readonly Name[]): void {
    for (const name of names) clearTimeout(this.#timers.get(name));
  }

  clearAll(): void {
    this.clear(...this.#timers.keys());
  }
}
