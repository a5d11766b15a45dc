/** One lane of an upstream socket, and the turn that runs on it. */
import type { UpstreamErrors } from '../http/errors.ts';
import type { UpstreamSocket } from './socket.ts';
import { isTerminal, type UpstreamEvent } from './wire.ts';

/** How long a turn waits. Milliseconds. */
export interface TurnTimeouts {
  readonly firstByteTimeoutMs: number;
  readonly stallTimeoutMs: number;
}

/** An ordered stream of responses, of which the upstream keeps the newest. */
export class UpstreamLane {
  readonly socket: UpstreamSocket;
  /** Its `stream_id`; null for the default lane, and for the only lane of an upstream that turns out to have none. */
  name: string | null;
  /** The response that the upstream keeps for this lane, as far as we know. */
  newest: string | null = null;
  /** When its last turn ended, by the pool's own count: the lane used longest ago is given up first. */
  usedAt = 0;
  #turn: LaneTurn | null = null;

  constructor(socket: UpstreamSocket, name: string | null) {
    this.socket = socket;
    this.name = name;
  }

  /** Whether the upstream works on it, be it for nobody. */
  get busy(): boolean {
    return this.#turn !== null;
  }

  /** The turn that runs. */
  get turn(): LaneTurn | null {
    return this.#turn;
  }

  /** Holds the lane for a turn. */
  reserve(errors: UpstreamErrors, timeouts: TurnTimeouts): LaneTurn {
    const turn = new LaneTurn(errors, timeouts);
    this.#turn = turn;
    return turn;
  }

  /** An event of this lane. Returns whether it ended a turn that nobody reads any more. */
  receive(event: UpstreamEvent): boolean {
    const turn = this.#turn;
    if (!turn) return false;
    turn.push(event);
    return turn.abandoned && isTerminal(event);
  }

  /** Its turn is over: another may run. */
  free(): void {
    this.#turn = null;
  }
}

/** Why a turn got no (further) event: the socket is gone. */
export class SocketLost extends Error {
  constructor(code: number, reason: string) {
    super(`The upstream's socket closed with ${code}${reason === '' ? '' : ` (${reason})`}.`);
    this.name = 'SocketLost';
  }
}

/** The events of one response, one batch per read. */
export class LaneTurn {
  readonly #errors: UpstreamErrors;
  readonly #timeouts: TurnTimeouts;
  #events: UpstreamEvent[] = [];
  #failure: { readonly reason: unknown } | null = null;
  #wake: (() => void) | null = null;
  #heard = false;
  #onDrained: (() => void) | null = null;
  /** Nobody reads it: what still comes is dropped. */
  abandoned = false;
  /** The response's own name, once it is known. */
  responseId: string | null = null;

  constructor(errors: UpstreamErrors, timeouts: TurnTimeouts) {
    this.#errors = errors;
    this.#timeouts = timeouts;
  }

  /** Whether the upstream has taken the turn up: from then on it must not be sent again. Refusals and a vendor's own events say nothing of the kind. */
  get heard(): boolean {
    return this.#heard;
  }

  push(event: UpstreamEvent): void {
    if (event.type.startsWith('response.')) this.#heard = true;
    this.responseId ??= event.response?.id ?? null;
    if (this.abandoned) return;
    this.#events.push(event);
    this.#wake?.();
  }

  /** Events that nobody has read yet. */
  get backlog(): number {
    return this.#events.length;
  }

  /** Calls back once, when there is no backlog any more. */
  whenDrained(resume: () => void): void {
    this.#onDrained = resume;
    if (this.abandoned) this.#drained();
  }

  /** Its reader is gone. */
  abandon(): void {
    this.abandoned = true;
    this.#drained();
  }

  /** Ends the waiting: what came before it is still read. */
  fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#wake?.();
  }

  /** Everything that has come since the last time, at least one event. Throws what `fail` was given, or `engine_timeout`. */
  async next(): Promise<readonly UpstreamEvent[]> {
    if (this.#events.length === 0 && !this.#failure) await this.#wait();
    const events = this.#events;
    this.#drained();
    if (events.length === 0 && this.#failure) throw this.#failure.reason;
    return events;
  }

  #drained(): void {
    this.#events = [];
    this.#onDrained?.();
    this.#onDrained = null;
  }

  async #wait(): Promise<void> {
    const { firstByteTimeoutMs, stallTimeoutMs } = this.#timeouts;
    const limitMs = this.#heard ? stallTimeoutMs : firstByteTimeoutMs;
    const deadline = setTimeout(() => this.fail(this.#errors.silence(limitMs)), limitMs);
    try {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    } finally {
      clearTimeout(deadline);
      this.#wake = null;
    }
  }
}
