/** How long a turn waits for its engine: when the client hears that it is alive, and when the engine has had its chance. */
import { errors, type ProtocolError } from '@longwire/protocol';

/** Times in milliseconds; 0 means never. */
export interface PatienceOptions {
  /** Silence after which the client gets a text event: clients count events, not pings (needs.md 4). */
  readonly keepaliveEventMs: number;
  /** Longest wait for the engine's first event. */
  readonly firstEventTimeoutMs: number;
  /** Longest wait for every event after it. */
  readonly stallTimeoutMs: number;
}

const kept = new Set<number>();

/** One timer of the length of every turn's stays: to make and to drop Node's list of them for each turn costs 7,000 instructions. */
function keepList(ms: number, { keepaliveEventMs, firstEventTimeoutMs }: PatienceOptions): void {
  if (kept.has(ms) || (ms !== keepaliveEventMs && ms !== firstEventTimeoutMs)) return;
  kept.add(ms);
  setInterval(() => {}, ms).unref();
}

/** Watches the silence of one turn with one timer. `onTick` is called when `check` has something to say. */
export class Patience {
  readonly #options: PatienceOptions;
  readonly #onTick: () => void;
  #timer: NodeJS.Timeout | null = null;
  #heard = false;
  #engineSilentSince: number;
  #clientSilentSince: number;

  constructor(options: PatienceOptions, onTick: () => void) {
    this.#options = options;
    this.#onTick = onTick;
    const now = performance.now();
    this.#engineSilentSince = now;
    this.#clientSilentSince = now;
    this.#arm(now);
  }

  /** The engine said something. */
  heard(): void {
    this.#heard = true;
    this.#engineSilentSince = performance.now();
  }

  /** The client took an event. The engine was not asked for more while it waited for that. */
  told(): void {
    this.#clientSilentSince = performance.now();
    this.#engineSilentSince = this.#clientSilentSince;
  }

  /** What to do after a tick: nothing yet, tell the client that we live, or give up on the engine. */
  check(): 'wait' | 'keepalive' | ProtocolError {
    const now = performance.now();
    const { firstEventTimeoutMs, stallTimeoutMs, keepaliveEventMs } = this.#options;
    const limitMs = this.#heard ? stallTimeoutMs : firstEventTimeoutMs;
    if (limitMs > 0 && now - this.#engineSilentSince >= limitMs) {
      return errors.engineTimeout(
        `The model sent nothing for ${Math.round(limitMs / 1000)} seconds${this.#heard ? '' : ' after the request'}.`,
      );
    }
    const silent = keepaliveEventMs > 0 && now - this.#clientSilentSince >= keepaliveEventMs;
    if (silent) this.#clientSilentSince = now;
    this.#arm(now);
    return silent ? 'keepalive' : 'wait';
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** The timer is not moved with every event: it looks at the clock when it fires and sleeps for what is left. */
  #arm(now: number): void {
    const { firstEventTimeoutMs, stallTimeoutMs, keepaliveEventMs } = this.#options;
    const limitMs = this.#heard ? stallTimeoutMs : firstEventTimeoutMs;
    const untilTimeout = limitMs > 0 ? this.#engineSilentSince + limitMs - now : Infinity;
    const untilKeepalive = keepaliveEventMs > 0 ? this.#clientSilentSince + keepaliveEventMs - now : Infinity;
    const waitMs = Math.min(untilTimeout, untilKeepalive);
    if (waitMs === Infinity) return;
    // Whole milliseconds: Node keeps a list of timers for each length, and a fraction would make it one of its own.
    const wholeMs = Math.max(1, Math.ceil(waitMs));
    keepList(wholeMs, this.#options);
    this.#timer = setTimeout(this.#onTick, wholeMs);
  }
}
