/**
 * Puts what a server interleaves one after another: items of a response follow each other, deltas of parallel calls need not.
 *
 * The first unfinished call is told as it comes; whatever starts behind it waits. It is finished when something else starts and
 * its arguments are whole, so a server that writes its calls in order is never held back.
 *
 * Where the client wants one call at most (`parallel_tool_calls: false`), those behind the first are not told: not every server heeds it.
 */
import type { EngineEvent } from '../engine.ts';
import type { StreamedCall } from './tool-call.ts';

export class ItemQueue {
  readonly #parallelCalls: boolean;
  #hasCalled = false;
  #current: StreamedCall | null = null;
  #waiting: (StreamedCall | EngineEvent[])[] = [];
  #out: EngineEvent[] = [];

  constructor(parallelCalls: boolean) {
    this.#parallelCalls = parallelCalls;
  }

  /** A delta of text, refusal or reasoning. */
  prose(event: EngineEvent): void {
    if (this.#advance('whole')) {
      this.#out.push(event);
      return;
    }
    const last = this.#waiting.at(-1);
    if (Array.isArray(last)) last.push(event);
    else this.#waiting.push([event]);
  }

  /** A call that begins. */
  begin(call: StreamedCall): void {
    if (this.#hasCalled && !this.#parallelCalls) return;
    this.#hasCalled = true;
    if (this.#advance('whole')) this.#current = call;
    else this.#waiting.push(call);
  }

  /** A call that has taken in more. */
  continue(call: StreamedCall): void {
    if (call === this.#current) this.#out.push(...call.take());
  }

  /** The events that are due, each once. */
  take(): EngineEvent[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  /** Nothing more will come: what waited is due now. */
  close(): void {
    this.#advance('all');
  }

  /** Ends the current call, and those that waited, as far as they are finished. True when none is left. */
  #advance(which: 'whole' | 'all'): boolean {
    while (this.#current) {
      if (which === 'whole' && !this.#current.isWhole()) return false;
      this.#out.push(...this.#current.close());
      this.#current = null;
      while (!this.#current && this.#waiting.length > 0) {
        const next = this.#waiting.shift();
        if (Array.isArray(next)) this.#out.push(...next);
        else if (next) this.#current = next;
      }
      if (this.#current) this.#out.push(...this.#current.take());
    }
    return true;
  }
}
