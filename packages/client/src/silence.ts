/** Notices silence, without a timer for each word. */

/** Calls `onOver` once nothing was heard for `limitMs`, and not again before something was. */
export class Silence {
  readonly #onOver: () => void;
  #limitMs = Infinity;
  #heardAtMs = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(onOver: () => void) {
    this.#onOver = onOver;
  }

  /** Listens from now on, with another limit. */
  start(limitMs: number): void {
    this.stop();
    this.#limitMs = limitMs;
    this.#heardAtMs = performance.now();
    this.#arm(limitMs);
  }

  heard(): void {
    this.#heardAtMs = performance.now();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arm(waitMs: number): void {
    if (waitMs === Infinity) return;
    this.#timer = setTimeout(() => this.#check(), Math.min(waitMs, longestTimerMs));
  }

  #check(): void {
    const leftMs = this.#heardAtMs + this.#limitMs - performance.now();
    if (leftMs > 0) return this.#arm(leftMs);
    this.#timer = null;
    this.#onOver();
  }
}

/** Timers of every platform overflow beyond this. */
export const longestTimerMs = 2 ** 31 - 1;
