/** How old a connection may get, and when its peer counts as gone (dossier I, J.5). A state machine: no socket, no timer. */

/** Times in milliseconds. */
export interface LifetimeOptions {
  readonly pingIntervalMs: number;
  /** Silence after which a peer counts as dead. */
  readonly deadPeerMs: number;
  /** Age at which a connection takes no new requests. */
  readonly lifetimeMs: number;
  /** How long running turns may go on after that. */
  readonly graceMs: number;
}

/** What a beat saw of a connection. */
export interface Pulse {
  /** Monotonic. */
  readonly nowMs: number;
  /** Bytes that came from the peer so far: pongs, frames, and parts of a frame that takes long to arrive. */
  readonly bytesRead: number;
  /** Bytes that the system took for the peer so far; null while none wait, when it takes them without the peer's help. */
  readonly bytesDelivered: number | null;
  /** We do not read, or wait for the peer to read: the silence is not its own, and the slow reader's deadline runs. */
  readonly isHeld: boolean;
}

/** What must be done about it. */
export type Verdict = 'ping' | 'dead' | 'retire' | 'cut';

/** How long a connection may take to say goodbye once its turns were cut, in milliseconds. */
export const farewellMs = 1000;

/** Lifetimes differ by up to this share, so that connections of one moment do not come back in one moment. */
const jitter = 0.05;

/** The life of one connection, looked at once a beat. */
export class Lifetime {
  readonly #options: LifetimeOptions;
  readonly #expiresMs: number;
  #bytesRead = 0;
  #bytesDelivered: number | null = null;
  #silentMs = 0;
  #cutMs: number | null = null;

  /** `random`: 0 to 1. */
  constructor(options: LifetimeOptions, nowMs: number, random: number) {
    this.#options = options;
    this.#expiresMs = nowMs + options.lifetimeMs * (1 - jitter * random);
  }

  /** Its turns were cut: it has a moment left. */
  cut(nowMs: number): void {
    this.#cutMs ??= nowMs;
  }

  /** One beat, `pingIntervalMs` after the last. */
  beat(pulse: Pulse): Verdict {
    if (this.#isDead(pulse)) return 'dead';
    const { nowMs } = pulse;
    if (this.#cutMs !== null) return nowMs - this.#cutMs >= farewellMs ? 'dead' : 'ping';
    const overMs = nowMs - this.#expiresMs;
    if (overMs < 0) return 'ping';
    return overMs < this.#options.graceMs ? 'retire' : 'cut';
  }

  /** Silence is counted in beats: a process that was held up for a while must not take that for its peers' silence. */
  #isDead({ bytesRead, bytesDelivered, isHeld }: Pulse): boolean {
    const reads = bytesDelivered !== null && this.#bytesDelivered !== null && bytesDelivered > this.#bytesDelivered;
    const isAlive = isHeld || reads || bytesRead > this.#bytesRead;
    this.#bytesRead = bytesRead;
    this.#bytesDelivered = bytesDelivered;
    this.#silentMs = isAlive ? 0 : this.#silentMs + this.#options.pingIntervalMs;
    return this.#silentMs >= this.#options.deadPeerMs;
  }
}
