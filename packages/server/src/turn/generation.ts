/** The engine's side of a turn: pulled batch by batch, watched for silence, stopped early. */
import { Interruption, type EngineEvent, type EngineUsage } from '../engine/engine.ts';
import { Inbox } from './inbox.ts';
import { Patience, type PatienceOptions } from './patience.ts';

type Signal =
  | { readonly kind: 'engine'; readonly result: IteratorResult<readonly EngineEvent[]> }
  | { readonly kind: 'thrown'; readonly error: unknown }
  | { readonly kind: 'interrupt' }
  | { readonly kind: 'tick' };

/** What comes next: events of the engine, a sign of life that is due, or somebody who wants the turn to end. */
export type Step =
  | { readonly kind: 'events'; readonly events: readonly EngineEvent[]; readonly end: EngineEnd | null }
  | { readonly kind: 'keepalive' }
  | { readonly kind: 'interrupt' };

/** How an engine ends. */
export type EngineEnd = Extract<EngineEvent, { type: 'end' }>;

/** How long an interrupted engine may take to tell what it has counted. */
const settleMs = 1000;

/** One engine at work. Its signals may come before it has begun. */
export class Generation {
  readonly #inbox = new Inbox<Signal>();
  readonly #abort = new AbortController();
  #engine: AsyncIterator<readonly EngineEvent[]> | null = null;
  #patience: Patience | null = null;
  #isPulling = false;
  #hasEnded = false;

  /** Aborts when the engine must stop. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Nobody waits for the engine any more. */
  abort(): void {
    this.#abort.abort();
  }

  /** `next` tells of it as soon as it is asked. */
  interrupt(): void {
    this.#inbox.put({ kind: 'interrupt' });
  }

  /** `next` throws it as soon as it is asked. */
  fail(error: unknown): void {
    this.#inbox.put({ kind: 'thrown', error });
  }

  /** Begins: the engine is asked for its first events by `next`. */
  begin(events: AsyncIterable<readonly EngineEvent[]>, patience: PatienceOptions): void {
    this.#engine = events[Symbol.asyncIterator]();
    this.#patience = new Patience(patience, () => this.#inbox.put({ kind: 'tick' }));
  }

  /** The next thing that happens. Throws what the engine throws, what `fail` was given, and `engine_timeout` for a silent engine. */
  async next(): Promise<Step> {
    for (;;) {
      if (!this.#isPulling) this.#pull();
      const signal = await this.#inbox.take();
      switch (signal.kind) {
        case 'thrown':
          throw signal.error;
        case 'interrupt':
          return signal;
        case 'engine': {
          this.#isPulling = false;
          this.#patience?.heard();
          if (signal.result.done) throw new Error('The engine stopped without an end event.');
          const events = signal.result.value;
          const end = endOf(events);
          this.#hasEnded = end !== null;
          return { kind: 'events', events, end };
        }
        case 'tick': {
          const verdict = this.#patience?.check() ?? 'wait';
          if (verdict === 'keepalive') return { kind: 'keepalive' };
          if (verdict !== 'wait') throw verdict;
        }
      }
    }
  }

  /** The client took an event: until now the engine was not asked for more. */
  told(): void {
    this.#patience?.told();
  }

  /** Stops the engine and waits a moment for its count of tokens; what it still says is not told. */
  async interrupted(): Promise<EngineUsage | null> {
    const deadline = setTimeout(() => this.fail(null), settleMs);
    this.#abort.abort(new Interruption());
    try {
      for (;;) {
        if (!this.#isPulling) this.#pull();
        const signal = await this.#inbox.take();
        if (signal.kind === 'thrown') return null;
        if (signal.kind !== 'engine') continue;
        this.#isPulling = false;
        const end = signal.result.done ? null : endOf(signal.result.value);
        if (end || signal.result.done) return end?.usage ?? null;
      }
    } finally {
      clearTimeout(deadline);
    }
  }

  /** The engine is not needed any more, whether it has ended or not. */
  stop(): void {
    this.#patience?.stop();
    if (this.#engine && !this.#hasEnded) this.#abort.abort(over);
    // A generator that waits at a `yield` does not hear an abort: only this makes it clean up.
    this.#engine?.return?.().catch(() => {});
  }

  #pull(): void {
    this.#isPulling = true;
    this.#engine?.next().then(
      (result) => this.#inbox.put({ kind: 'engine', result }),
      (error: unknown) => this.fail(error),
    );
  }
}

/** Without a reason of its own every abort would make a DOMException with a stack: 20 µs of a turn (npm run bench). */
const over = new Error('The generation is over.');

function endOf(batch: readonly EngineEvent[]): EngineEnd | null {
  const last = batch.at(-1);
  return last?.type === 'end' ? last : null;
}
