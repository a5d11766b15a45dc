/** One connection to the server over one socket after the other: performs what `link-state.ts` decides. */
import type { ServerEvent } from '@longwire/protocol';
import { adviceForCloseCode, closeCodes } from '@longwire/protocol/close-codes';
import { createCarrierId, isTerminal, parseEvent } from './carrier.ts';
import type { Carrier, KeySupport, Passenger, Sending } from './carrier.ts';
import { Dialler, suspectCode, toRedialMs } from './dialler.ts';
import { toResponsesError } from './errors.ts';
import type { ConnectionLoss, ResponsesError } from './errors.ts';
import { createLinkState, stepLink } from './link-state.ts';
import type { LinkAnswer, LinkEffect, LinkInput, LinkState } from './link-state.ts';
import { tooLargeCode } from './recovery.ts';
import type { Settings } from './options.ts';
import { Seats } from './seats.ts';
import type { Socket, SocketListener } from './socket.ts';
import { Timers } from './timers.ts';

/** What a link needs of the connection that it is part of. */
export interface LinkHost {
  readonly settings: Settings;
  /** Whether to ask for a resumable connection. */
  readonly isAsking: boolean;
  readonly hasLanes: boolean;
  readonly lifetimeMs: () => number;
  /** Opens a socket; `resume` is what is asked for: `new`, or a token and how far we are. */
  dial(resume: string | null, listener: SocketListener): Socket;
  /** The link has ended: what the server kept is gone, and it carries nothing more. */
  onEnd(link: SocketLink): void;
  /** It is about to become too old and cannot be taken up by a new socket. */
  onOld(link: SocketLink): void;
  /** The server said that the connection is too old: its words tell how old one may get. */
  onLimit(message: string): void;
  onState(state: 'open' | 'resuming', reason: string): void;
}

const pingMs = 20_000;
/** So long a server may take to say who it is; a Longwire does so with the upgrade. */
const answerMs = 3_000;
/** So long after a new socket could not be opened, a link that is too old tries again. */
const rotateAgainMs = 30_000;

/** A socket connection, resumable where the server can. Carries turns once `open` has resolved. */
export class SocketLink implements Carrier {
  readonly kind = 'socket';
  readonly hasLanes: boolean;
  readonly #host: LinkHost;
  readonly #seats: Seats;
  #id = createCarrierId();
  #state: LinkState;
  /** The newest ordinal given to a socket, in this life of the connection. */
  #life = { transmitted: 0 };
  #socket: Socket | null = null;
  readonly #dialler: Dialler;
  #isIdempotent = false;
  /** Resolves when it is known whether the server is a Longwire. */
  readonly #answered = Promise.withResolvers<void>();
  #isRetiring = false;
  #isEnded = false;
  #openedAtMs = 0;
  #heardAtMs = 0;
  #lastWord: Error | null = null;
  #loss: ConnectionLoss = { code: 1006, reason: '', cause: null };
  readonly #timers = new Timers<'grace' | 'age' | 'ping' | 'answer' | 'hello'>();

  constructor(host: LinkHost) {
    this.#host = host;
    this.hasLanes = host.hasLanes;
    this.#seats = new Seats(host.hasLanes);
    this.#state = createLinkState(host.isAsking);
    this.#dialler = new Dialler(host.settings.timeouts.connectMs, {
      dial: (resume, listener) => host.dial(resume, listener),
      onOpen: (socket) => this.#adopt(socket),
      onText: (socket, text) => {
        if (socket === this.#socket) this.#hear(text);
      },
      onClose: (socket, code, reason) => {
        if (socket === this.#socket) this.#cut({ code, reason, cause: this.#lastWord });
      },
    });
  }

  get id(): number {
    return this.#id;
  }

  get canCancel(): boolean {
    return this.#state.mode === 'resumable';
  }

  get keys(): KeySupport {
    if (this.#state.mode === 'asked') return 'unknown';
    return this.#isIdempotent ? 'honoured' : 'ignored';
  }

  async settleKeys(): Promise<KeySupport> {
    this.#timers.set('answer', answerMs, () => this.#answered.resolve());
    await this.#answered.promise;
    return this.#isIdempotent ? 'honoured' : this.#isEnded ? 'unknown' : 'ignored';
  }

  /** Whether turns can still be started on it; while it is being taken up again they wait. */
  get isUsable(): boolean {
    const isUp = this.#socket !== null || this.#state.phase === 'resuming';
    return isUp && !this.#isRetiring && !this.#isEnded;
  }

  /** Opens the first socket. Rejects with a `ConnectError`. */
  open(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#dialler.dial(this.#host.isAsking ? 'new' : null, {
      opened: () => {
        this.#host.onState('open', '');
        resolve();
      },
      failed: (error) => {
        this.#finish();
        reject(error);
      },
    });
    return promise;
  }

  hasSeat(passenger: Passenger): boolean {
    return this.#seats.has(passenger);
  }

  /** Takes a lane in; false where it has no place for it. */
  seat(passenger: Passenger): boolean {
    return this.#seats.take(passenger);
  }

  /** The lane goes elsewhere. `isFull`: nobody else is taken in. */
  unseat(passenger: Passenger, isFull: boolean): void {
    this.#seats.leave(passenger, isFull);
    this.#endIfUnused();
  }

  send(_passenger: Passenger, text: string): Sending {
    const life = this.#life;
    const isOpen = this.#socket?.isOpen ?? false;
    this.#step({ type: 'send', text });
    const ordinal = this.#state.mode === 'plain' ? 0 : this.#state.sent;
    return {
      get hasLeft() {
        return ordinal === 0 ? isOpen : ordinal <= life.transmitted;
      },
      prove: () => {
        if (life === this.#life && ordinal > 0) this.#step({ type: 'proven', ordinal });
      },
    };
  }

  revive(silentMs: number): boolean {
    if (this.#state.mode !== 'resumable' || this.#isEnded) return false;
    const nowMs = performance.now();
    // The socket that was silent has been replaced already, for another lane.
    if (this.#state.phase === 'resuming' || nowMs - this.#openedAtMs < silentMs) return true;
    // Other lanes hear: the silence is not the socket's.
    if (nowMs - this.#heardAtMs < silentMs / 2) return false;
    this.#dropSocket('silent for too long');
    return true;
  }

  retire(): void {
    this.#isRetiring = true;
    this.#endIfUnused();
  }

  release(_passenger: Passenger): void {
    this.#endIfUnused();
  }

  /** Ends it at once; passengers are not told. */
  close(): void {
    this.#finish();
  }

  #endIfUnused(): void {
    if (!this.#isRetiring || this.#isEnded || !this.#seats.areIdle) return;
    this.#finish();
    this.#host.onEnd(this);
  }

  #finish(): void {
    this.#isEnded = true;
    this.#answered.resolve();
    this.#timers.clearAll();
    this.#dialler.stop(1000);
    this.#socket?.drop(1000, '');
    this.#socket = null;
  }

  /** A socket has opened: from now on it is the one. */
  #adopt(socket: Socket): void {
    const old = this.#socket;
    this.#socket = socket;
    this.#openedAtMs = performance.now();
    this.#heardAtMs = this.#openedAtMs;
    this.#lastWord = null;
    if (old !== null) {
      old.drop(suspectCode, 'replaced');
      this.#state = stepLink(this.#state, { type: 'cut' }).state;
      this.#limitResuming();
    }
    const { lifetimeMs, settings } = this.#host;
    if (this.#state.phase === 'resuming') {
      this.#timers.set('hello', settings.timeouts.connectMs, () => this.#dropSocket('no answer came'));
    }
    this.#timers.set('age', lifetimeMs(), () => this.#rotate());
    this.#timers.set('ping', pingMs, () => this.#ping());
  }

  #ping(): void {
    this.#socket?.ping();
    this.#timers.set('ping', pingMs, () => this.#ping());
  }

  #rotate(): void {
    if (this.#isEnded || this.#isRetiring || this.#dialler.isDialling) return;
    const again = () => this.#timers.set('age', rotateAgainMs, () => this.#rotate());
    if (this.#state.phase === 'resuming') return again();
    if (this.#state.mode !== 'resumable') return this.#host.onOld(this);
    this.#dialler.dial(this.#resumeWord, { opened: () => {}, failed: again });
  }

  get #resumeWord(): string {
    return `${this.#state.token}:${this.#state.received}`;
  }

  #hear(text: string): void {
    this.#heardAtMs = performance.now();
    if (this.#isEnded) return;
    const event = parseEvent(text);
    if (!event) return this.#state.mode === 'resumable' ? this.#dropSocket('a frame was broken') : undefined;
    if (event.type === 'longwire:connection') return this.#answer(event);
    const ordinal = takeOrdinal(event);
    const isNew = this.#step({ type: 'frame', ordinal, bytes: text.length, isTerminal: isTerminal(event) });
    if (this.#state.mode === 'plain') this.#answered.resolve();
    if (isNew) this.#route(event, text.length);
  }

  #answer(event: ServerEvent): void {
    const answer = toAnswer(event);
    if (answer === null) return;
    this.#isIdempotent = 'idempotency' in event && event.idempotency === true;
    this.#timers.clear('grace', 'hello');
    if (this.#state.phase === 'resuming' && !answer.isResumed) this.#startAnew(answer);
    else this.#step({ type: 'answer', answer });
    this.#answered.resolve();
  }

  /** The server has lost the connection and begins another one on this socket. */
  #startAnew(answer: LinkAnswer): void {
    this.#id = createCarrierId();
    this.#life = { transmitted: 0 };
    this.#state = stepLink(createLinkState(true), { type: 'answer', answer }).state;
    this.#host.onState('open', 'the server had lost the connection');
    this.#seats.lose(this.#loss);
  }

  #route(event: ServerEvent, bytes: number): void {
    const error = event.type === 'error' && event.stream_id === undefined ? toResponsesError(event) : null;
    // Ours are never that when they leave: the line broke one. It counts as not received, and goes again.
    if (error?.code === 'invalid_json' && this.#state.mode === 'resumable')
      return this.#dropSocket('a frame was broken');
    const passenger = this.#seats.find(event);
    if (error?.code === 'websocket_connection_limit_reached') {
      this.#lastWord = error;
      this.#host.onLimit(error.message);
      if (this.#state.mode === 'resumable') this.#rotate();
      else this.#isRetiring = true;
      // Only a request that nothing came of can be what this refuses.
      if (passenger?.isWaiting) passenger.receive(event, bytes);
      return this.#endIfUnused();
    }
    if (error?.code === tooLargeCode) return this.#closeFor(error);
    if (error && !passenger?.isBusy) this.#lastWord = error;
    else passenger?.receive(event, bytes);
  }

  /** What is too large was not read, and names no lane. The server closes now, and where it does not, we do. */
  #closeFor(error: ResponsesError): void {
    this.#socket?.drop(1000, '');
    this.#cut({ code: closeCodes.tooLarge.code, reason: closeCodes.tooLarge.reason, cause: error });
  }

  #dropSocket(why: string): void {
    this.#socket?.drop(suspectCode, why);
    this.#cut({ code: 1006, reason: why, cause: null });
  }

  #cut(loss: ConnectionLoss): void {
    if (this.#isEnded) return;
    this.#loss = loss;
    this.#timers.clear('age', 'ping', 'hello');
    this.#dialler.stop(suspectCode);
    this.#socket = null;
    // Cut again before the answer came.
    if (adviceForCloseCode(loss.code) === 'terminal') this.#step({ type: 'giveUp' });
    else if (this.#state.phase === 'resuming') this.#redial(1);
    else this.#step({ type: 'cut' });
  }

  #redial(attempt: number): void {
    const waitMs = toRedialMs(this.#loss, attempt, this.#host.settings.retry, Math.random());
    if (waitMs === null) return void this.#step({ type: 'giveUp' });
    this.#dialler.wait(waitMs, () => {
      this.#dialler.dial(this.#resumeWord, { opened: () => {}, failed: () => this.#redial(attempt + 1) });
    });
  }

  #step(input: LinkInput): boolean {
    const { state, effects } = stepLink(this.#state, input);
    this.#state = state;
    let isDelivered = false;
    for (const effect of effects) isDelivered = this.#perform(effect) || isDelivered;
    return isDelivered;
  }

  #perform(effect: LinkEffect): boolean {
    switch (effect.type) {
      case 'transmit':
        if (!this.#socket?.isOpen) return false;
        this.#socket.send(effect.text);
        this.#life.transmitted = this.#state.sent;
        return false;
      case 'deliver':
        return true;
      case 'dropSocket':
        this.#dropSocket('frames were missing');
        return false;
      case 'reconnect':
        this.#host.onState('resuming', this.#loss.reason);
        this.#limitResuming();
        this.#redial(0);
        return false;
      case 'resumed':
        this.#host.onState('open', 'resumed');
        return false;
      case 'lost':
        this.#finish();
        this.#host.onEnd(this);
        this.#seats.lose(this.#loss);
        return false;
    }
  }

  #limitResuming(): void {
    this.#timers.set('grace', this.#state.graceMs, () => this.#step({ type: 'giveUp' }));
  }
}

/** Takes the ordinal off an event, so that applications see what every server sends. */
function takeOrdinal(event: ServerEvent): number | null {
  if (!('longwire_seq' in event)) return null;
  const ordinal = event.longwire_seq;
  delete (event as { longwire_seq?: unknown }).longwire_seq;
  return typeof ordinal === 'number' ? ordinal : null;
}

function toAnswer(event: ServerEvent): LinkAnswer | null {
  const { token, resumed, received, grace_ms } = event as unknown as Record<string, unknown>;
  if (typeof token !== 'string' || typeof resumed !== 'boolean') return null;
  return {
    token,
    isResumed: resumed,
    received: typeof received === 'number' ? received : 0,
    graceMs: typeof grace_ms === 'number' ? grace_ms : 0,
  };
}
