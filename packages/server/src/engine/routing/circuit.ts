/** Whether a replica is worth a try: after failures in a row it is left alone for a while, then one turn may find out. */

/** When a circuit opens, and for how long. */
export interface CircuitOptions {
  /** Failures in a row after which the replica is left alone. */
  readonly failuresToOpen: number;
  /** How long the first time; twice as long after every trial that fails. Milliseconds. */
  readonly cooldownMs: number;
  readonly maxCooldownMs: number;
}

/** `closed`: in use. `open`: left alone until then. `trial`: one turn finds out. */
type State =
  | { readonly kind: 'closed'; readonly failures: number }
  | { readonly kind: 'open'; readonly untilMs: number; readonly cooldownMs: number }
  | { readonly kind: 'trial'; readonly cooldownMs: number };

export class Circuit {
  readonly #options: CircuitOptions;
  readonly #now: () => number;
  #state: State = { kind: 'closed', failures: 0 };

  /** `now`: any clock in milliseconds. */
  constructor(options: CircuitOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  get state(): State['kind'] {
    return this.#state.kind;
  }

  /** Whether a turn may be sent. */
  get allows(): boolean {
    const state = this.#state;
    return state.kind === 'closed' || (state.kind === 'open' && this.#now() >= state.untilMs);
  }

  /** Whether the replica is in use without reserve. */
  get isClosed(): boolean {
    return this.#state.kind === 'closed';
  }

  /** A turn is sent: exactly one of the others follows. */
  begin(): void {
    if (this.#state.kind === 'open') this.#state = { kind: 'trial', cooldownMs: this.#state.cooldownMs };
  }

  /** It was answered. */
  succeed(): void {
    this.#state = { kind: 'closed', failures: 0 };
  }

  /** It was not. */
  fail(): void {
    const { failuresToOpen, cooldownMs, maxCooldownMs } = this.#options;
    const state = this.#state;
    switch (state.kind) {
      case 'closed': {
        const failures = state.failures + 1;
        this.#state = failures < failuresToOpen ? { kind: 'closed', failures } : this.#open(cooldownMs);
        break;
      }
      case 'trial':
        this.#state = this.#open(Math.min(state.cooldownMs * 2, maxCooldownMs));
        break;
      // Of a turn that was sent before it opened: nothing new.
      case 'open':
    }
  }

  /** It was given up before either: a trial is still due. */
  abandon(): void {
    if (this.#state.kind === 'trial') {
      this.#state = { kind: 'open', untilMs: this.#now(), cooldownMs: this.#state.cooldownMs };
    }
  }

  #open(cooldownMs: number): State {
    return { kind: 'open', untilMs: this.#now() + cooldownMs, cooldownMs };
  }
}
