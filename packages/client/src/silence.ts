/** Notices silence, without a timer for each word. */
import { Timers } from './timers.ts';

/** Calls `onOver` once nothing was heard for as long as it was started with. */
export class Silence {
  readonly #onOver: () => void;
  readonly #timers = new Timers<'check'>();
  #limitMs = Infinity;
  #heardAtMs = 0;

  constructor(onOver: () => void) {
    this.#onOver = onOver;
  }

  /** Listens from now on. */
  start(limitMs: number): void {
    this.#limitMs = limitMs;
    this.heard();
    this.#timers.set('check', limitMs, () => this.#check());
  }

  heard(): void {
    this.#heardAtMs = performance.now();
  }

  stop(): void {
    this.#timers.clear('check');
  }

  #check(): void {
    const leftMs = this.#heardAtMs + this.#limitMs - performance.now();
    if (leftMs > 0) this.#timers.set('check', leftMs, () => this.#check());
    else this.#onOver();
  }
}
