/** How many turns an engine runs at once, and in which order the others wait: the parties take turns, so that none crowds out the rest. */
import { errors } from '@longwire/protocol';

/** Limits of one engine. */
export interface TurnstileOptions {
  /** Null: no limit. */
  readonly maxConcurrent: number | null;
  /** Turns that may wait; more are refused. */
  readonly maxWaiting: number;
}

interface Waiter {
  readonly enter: () => void;
  readonly refuse: (reason: unknown) => void;
}

/** What a refused turn is told to wait before it tries again. */
const retryMs = 1000;

export class Turnstile {
  readonly #options: TurnstileOptions;
  /** Parties in the order in which they are served next; a map keeps it. */
  readonly #waiting = new Map<unknown, Waiter[]>();
  #waitingCount = 0;
  #running = 0;

  constructor(options: TurnstileOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waitingCount;
  }

  /** Turns that run or wait. */
  get load(): number {
    return this.#running + this.#waitingCount;
  }

  /**
   * Resolves when the turn may run, with what must be called when it is over. Throws `server_is_overloaded` when too many wait,
   * and the signal's reason.
   */
  async enter(party: unknown, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const { maxConcurrent, maxWaiting } = this.#options;
    if (maxConcurrent !== null && this.#running >= maxConcurrent) {
      if (this.#waitingCount >= maxWaiting) throw errors.serverIsOverloaded(retryMs);
      // Comes back with a place that is held already: nobody may slip in before the promise is heard.
      await this.#wait(party, signal);
    } else {
      this.#running++;
    }
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#running--;
      this.#admit();
    };
  }

  async #wait(party: unknown, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = {
      enter: () => {
        this.#running++;
        resolve();
      },
      refuse: reject,
    };
    const onAbort = (): void => {
      if (this.#leave(party, waiter)) waiter.refuse(signal.reason);
    };
    this.#waiting.set(party, [...(this.#waiting.get(party) ?? []), waiter]);
    this.#waitingCount++;
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** The first of the party that was served longest ago. */
  #admit(): void {
    const [next] = this.#waiting;
    if (!next) return;
    const [party, [waiter, ...others]] = next;
    this.#waiting.delete(party);
    if (others.length > 0) this.#waiting.set(party, others);
    this.#waitingCount--;
    waiter?.enter();
  }

  #leave(party: unknown, waiter: Waiter): boolean {
    const waiters = this.#waiting.get(party) ?? [];
    const others = waiters.filter((each) => each !== waiter);
    if (others.length === waiters.length) return false;
    if (others.length > 0) this.#waiting.set(party, others);
    else this.#waiting.delete(party);
    this.#waitingCount--;
    return true;
  }
}
