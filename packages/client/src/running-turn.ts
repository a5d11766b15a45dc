/** One turn of a lane, from `create` to its end: performs what `recovery.ts` decides. */
import { closeCodes } from '@longwire/protocol/close-codes';
import type { Response, ResponseCancelEvent, ResponseSteerEvent, ServerEvent } from '@longwire/protocol';
import { toByteLength } from './carrier.ts';
import type { Carrier, Sending } from './carrier.ts';
import { joinJson } from './chain-memory.ts';
import { ConnectionLostError, HistoryLostError, toResponsesError, TurnTimeoutError } from './errors.ts';
import type { ConnectionLoss, ResponsesError, TurnLimit } from './errors.ts';
import { matchEvent } from './event-match.ts';
import type { EventMatch } from './event-match.ts';
import { toBackoffMs } from './options.ts';
import { startRecovery, stepRecovery, tooLargeCode } from './recovery.ts';
import type { RecoveryInput, RecoveryState, RecoveryStep, RefusedRequest, RequestForm } from './recovery.ts';
import { OutgoingRequest } from './outgoing-request.ts';
import type { Ground, LaneRequest } from './outgoing-request.ts';
import { Silence } from './silence.ts';
import { Timers } from './timers.ts';
import { OpenTurn, responseOf } from './turn-stream.ts';
import type { TurnEnd } from './turn-stream.ts';
import type { TurnHost } from './turn-host.ts';
import { createWarmUp } from './warm-up.ts';

const notRefused: RefusedRequest = { code: null, status: null, param: null, message: '', retryAfterMs: null };

/** A turn that waits for its turn, runs, or is recovered. */
export class RunningTurn {
  readonly request: LaneRequest;
  readonly turn: OpenTurn;
  readonly #host: TurnHost;
  readonly #signal: AbortSignal | null;
  readonly #onAbort = () => this.abandon(toError(this.#signal?.reason));
  readonly #silence: Silence;
  readonly #timers = new Timers<'total' | 'pause'>();
  #recovery: RecoveryState | null = null;
  #ground: Ground = { parent: null, steered: null };
  readonly #outgoing: OutgoingRequest;
  #input = '';
  #carrier: Carrier | null = null;
  #sending: Sending | null = null;
  #attempt = 0;
  #refusal: { readonly event: ServerEvent; readonly bytes: number; readonly error: ResponsesError } | null = null;
  #loss: ConnectionLoss = { code: 1006, reason: '', cause: null };
  /** How often a server went away before it had said whether it honours keys. */
  #proofs = 0;
  /** How often the server was silent for too long since its last word on this turn. */
  #silences = 0;
  #isCancelled = false;
  #isAbandoned = false;
  #isOver = false;
  /** Its end has come, but steers of it are still to be answered. */
  #steered: Response | null = null;

  constructor(request: LaneRequest, signal: AbortSignal | undefined, host: TurnHost) {
    this.request = request;
    this.#outgoing = new OutgoingRequest(request);
    this.#host = host;
    this.turn = new OpenTurn(host.settings.maxUnreadBytes);
    this.#silence = new Silence(() => this.#onSilence());
    this.#signal = signal ?? null;
    const { totalMs } = host.settings.timeouts;
    this.#timers.set('total', totalMs, () => this.abandon(new TurnTimeoutError('total', totalMs, this.turn.progress)));
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Whether nothing came of the request that was sent. */
  get isWaiting(): boolean {
    return this.#recovery?.phase === 'sent';
  }

  /** Its turn has come. */
  start(ground: Ground): void {
    this.#ground = ground;
    this.#input = joinJson(ground.steered?.json ?? '', this.#outgoing.items);
    const { parent } = ground;
    const known = parent && { carrier: parent.carrier, isStored: parent.isStored || parent.isForeign };
    this.#follow(startRecovery(known, this.#host.settings.retry.attempts));
  }

  /** An event of this lane. What is not this turn's is dropped: it would be read as its own. */
  receive(event: ServerEvent, bytes: number): void {
    if (this.#isOver) return;
    const match = this.#match(event);
    if (match === 'begunAnew') return this.#disown(event);
    if (match === 'notOurs') return;
    const error = toResponsesError(event);
    if (error) return this.#refuse(event, bytes, error);
    this.#hear();
    if (this.turn.isRepeated(event)) return;
    this.#input = this.#inputOf(event);
    const response = this.turn.push(event, bytes);
    if ('response' in event) this.sendControls();
    if (response) this.#onResponse(response);
  }

  /** An answer to a steer: the application sees it among the events. */
  receiveSteering(event: ServerEvent, bytes: number): void {
    if (this.#isOver) return;
    this.#silence.heard();
    if (!this.turn.isRepeated(event)) this.turn.push(event, bytes);
    if (this.#steered && !this.#host.steers.isOpen(this.#steered.id)) this.#end({ response: this.#steered });
  }

  /** Whether nothing came of a request that holds what only a Longwire knows. */
  get isExtended(): boolean {
    return this.isWaiting && this.#outgoing.hasKey;
  }

  /** Size of the request that has left and that nothing came of yet; 0 for none. */
  waitingBytes(): number {
    const carrier = this.#carrier;
    if (!carrier || !this.isWaiting || !this.#sending?.hasLeft) return 0;
    return toByteLength(this.#outgoing.encode(carrier, this.#host.passenger.name));
  }

  /** What the server kept is gone. `isBlamed`: because of this turn's request. */
  lose(loss: ConnectionLoss, isBlamed: boolean): void {
    if (this.#isOver) return;
    const hasLeft = this.#sending?.hasLeft ?? false;
    this.turn.isSent ||= hasLeft;
    this.#loss = loss;
    this.#host.steers.failAll('connection_lost', 'The connection was lost before the steer was applied.');
    if (this.#steered) return this.#end({ response: this.#steered });
    if (this.turn.isSettled) return this.#end({ error: new ConnectionLostError(loss, this.turn.progress) });
    this.#sending = null;
    this.#silence.stop();
    if (isBlamed && loss.code === closeCodes.tooLarge.code && this.#host.settings.mayUseHttp) return this.#outgrow();
    const isIdempotent = !isBlamed && this.#outgoing.hasKey && this.#carrier?.keys !== 'ignored';
    this.#step({ type: 'lost', hasLeft, isIdempotent });
  }

  /** Sends steers, or that it is cancelled, once the response has an id. */
  sendControls(): void {
    const { responseId } = this.turn;
    const carrier = this.#carrier;
    if (responseId === null || carrier === null || this.#isOver || this.#steered) return;
    // Whoever steered while a way to the server was looked for could not know that it would be this one.
    if (carrier.kind === 'http') return this.#host.steers.failUnsent();
    for (const input of this.#host.steers.takeUnsent(responseId)) {
      this.#control(carrier, { type: 'response.steer', previous_response_id: responseId, input });
    }
    if (!this.#isCancelled || !carrier.canCancel) return;
    this.#isCancelled = false;
    this.#control(carrier, { type: 'response.cancel', response_id: responseId });
  }

  /** Whether steers can reach it. */
  get canBeSteered(): boolean {
    return !this.#isOver && this.#steered === null && this.#carrier?.kind !== 'http';
  }

  cancel(): void {
    if (this.#isWithServer && this.#carrier?.canCancel) {
      this.#isCancelled = true;
      this.sendControls();
    } else {
      this.abandon(new DOMException('The turn was cancelled.', 'AbortError'));
    }
  }

  /** Nobody waits for it any more. What the server makes of it is still the lane's, where the server cannot be stopped. */
  abandon(error: Error): void {
    this.turn.finish({ error });
    this.#isAbandoned = true;
    this.#isCancelled = true;
    if (this.#isWithServer && this.#carrier?.kind === 'socket') this.sendControls();
    else this.#end({ error });
  }

  /** Whether the application has turned away from it. */
  get isAbandoned(): boolean {
    return this.#isAbandoned;
  }

  /** Ends it before its turn has come. */
  fail(error: Error): void {
    this.#end({ error });
  }

  /** Ends it, whatever it is doing. */
  shut(loss: ConnectionLoss): void {
    this.turn.isSent ||= this.#sending?.hasLeft ?? false;
    this.#end({ error: new ConnectionLostError(loss, this.turn.progress) });
  }

  /** Whether the request is on its way or being answered. */
  get #isWithServer(): boolean {
    return this.#sending !== null && this.#isUnderWay;
  }

  get #isUnderWay(): boolean {
    return this.isWaiting || this.#recovery?.phase === 'running';
  }

  #step(input: RecoveryInput): void {
    if (this.#recovery) this.#follow(stepRecovery(this.#recovery, input));
  }

  #follow({ state, effects }: RecoveryStep): void {
    this.#recovery = state;
    for (const effect of effects) {
      switch (effect.type) {
        case 'acquire':
          if (effect.isOther && this.#carrier) this.#host.leave(this.#carrier, this.#refusal?.error ?? notRefused);
          this.#acquire();
          break;
        case 'send':
          this.#send(effect.form, effect.isResent);
          break;
        case 'pause':
          this.#pause(effect.retryAfterMs ?? toBackoffMs(this.#host.settings.retry, effect.retry, Math.random()));
          break;
        case 'fail':
          this.#fail(effect.why);
      }
    }
  }

  #fail(why: 'refused' | 'lost' | 'history'): void {
    const { event, bytes, error } = this.#refusal ?? { event: null, bytes: 0, error: null };
    if (why === 'lost' && this.#loss.cause instanceof TurnTimeoutError) return this.#end({ error: this.#loss.cause });
    if (why === 'lost' || event === null) {
      const loss = { ...this.#loss, cause: error ?? this.#loss.cause };
      return this.#end({ error: new ConnectionLostError(loss, this.turn.progress) });
    }
    this.turn.push(event, bytes);
    const isOurs = why === 'history' && !this.#ground.parent?.isForeign;
    this.#end({ error: isOurs ? new HistoryLostError(error) : error });
  }

  #acquire(): void {
    const carrier = this.#host.ready();
    if (carrier) return this.#take(carrier);
    void this.#wait(this.#nextAttempt());
  }

  async #wait(attempt: number): Promise<void> {
    try {
      const carrier = await this.#host.acquire();
      if (attempt === this.#attempt) this.#take(carrier);
    } catch (error) {
      if (attempt === this.#attempt) this.#end({ error: this.#toUnreached(toError(error)) });
    }
  }

  /** Where nothing can be reached again, what had been sent may still have been done. */
  #toUnreached(error: Error): Error {
    return this.turn.isSent ? new ConnectionLostError({ ...this.#loss, cause: error }, this.turn.progress) : error;
  }

  #take(carrier: Carrier): void {
    this.#carrier = carrier;
    if (this.#recovery?.isResent && carrier.keys !== 'honoured') void this.#takeProven(carrier, this.#nextAttempt());
    else this.#step({ type: 'carrier', carrier: carrier.id });
  }

  /** What may have been sent before goes only to a server that can tell. */
  async #takeProven(carrier: Carrier, attempt: number): Promise<void> {
    const keys = await carrier.settleKeys();
    if (attempt !== this.#attempt) return;
    if (keys === 'honoured') return this.#step({ type: 'carrier', carrier: carrier.id });
    this.#proofs += 1;
    if (keys === 'unknown' && this.#proofs <= this.#host.settings.retry.attempts) this.#acquire();
    else this.#fail('lost');
  }

  #send(form: RequestForm, isResent: boolean): void {
    const carrier = this.#carrier;
    if (!carrier) return;
    this.#sending = null;
    if (isResent) return this.#transmit(carrier);
    this.#outgoing.renew(carrier);
    if (carrier.kind === 'http' && this.request.generate === false) return this.#warmUp(carrier, this.#nextAttempt());
    if (form === 'delta') {
      this.#outgoing.continueById(this.#ground, carrier);
      return this.#transmit(carrier);
    }
    this.#host.onReplay();
    void this.#replay(carrier, this.#nextAttempt());
  }

  async #replay(carrier: Carrier, attempt: number): Promise<void> {
    const isWhole = await this.#outgoing.continueByHistory(this.#ground, this.#host.memory);
    if (attempt !== this.#attempt) return;
    if (isWhole) this.#transmit(carrier);
    else this.#step({ type: 'noHistory' });
  }

  /** Takes the input into the chain, and asks nobody. */
  #warmUp(carrier: Carrier, attempt: number): void {
    this.#outgoing.continueById(this.#ground, carrier);
    const events = createWarmUp(this.request.model ?? null, this.#outgoing.previousResponseId ?? null);
    queueMicrotask(() => {
      if (attempt === this.#attempt) for (const event of events) this.receive(event, 0);
    });
  }

  #transmit(carrier: Carrier): void {
    this.#refusal = null;
    this.#silence.start(this.#host.settings.timeouts.firstEventMs);
    this.#sending = carrier.send(this.#host.passenger, this.#outgoing.encode(carrier, this.#host.passenger.name));
  }

  #nextAttempt(): number {
    this.#attempt += 1;
    return this.#attempt;
  }

  #pause(waitMs: number): void {
    // A history that is still being read must not be sent while the turn waits: it would be sent twice.
    this.#nextAttempt();
    this.#silence.stop();
    this.#host.onPause(this.#refusal?.error.message ?? this.#loss.reason);
    this.#timers.set('pause', waitMs, () => this.#step({ type: 'resume' }));
  }

  /** The server is at work on it. */
  #hear(): void {
    this.#silences = 0;
    if (!this.isWaiting) return this.#silence.heard();
    this.#sending?.prove();
    this.#silence.start(this.#host.settings.timeouts.stallMs);
    this.#step({ type: 'progress' });
  }

  #match(event: ServerEvent): EventMatch {
    if (!this.#isUnderWay) return 'notOurs';
    const awaited = {
      isWaiting: this.isWaiting,
      responseId: this.turn.responseId,
      endedId: this.#steered?.id ?? null,
      previousResponseId: this.#outgoing.previousResponseId ?? null,
    };
    return matchEvent(event, awaited, (id) => this.#host.hasEnded(id));
  }

  /** The server began anew what we had asked it to go on with. */
  #disown(event: ServerEvent): void {
    const response = responseOf(event);
    if (!response) return;
    this.#host.disown(response.id);
    if (this.#carrier?.canCancel) this.#control(this.#carrier, { type: 'response.cancel', response_id: response.id });
    this.#step({ type: 'lost', hasLeft: true, isIdempotent: false });
  }

  #control(carrier: Carrier, frame: ResponseSteerEvent | ResponseCancelEvent): void {
    carrier.send(this.#host.passenger, JSON.stringify(frame));
  }

  /** The input of the response that this event belongs to. */
  #inputOf(event: ServerEvent): string {
    const response = responseOf(event);
    if (!this.#steered || !response) return this.#input;
    const { id } = this.#steered;
    this.#ground = { parent: this.#host.memory.find(id), steered: null };
    this.#steered = null;
    return this.#host.steers.apply(id, response.id);
  }

  #refuse(event: ServerEvent, bytes: number, error: ResponsesError): void {
    const { parent } = this.#ground;
    // The server forgets the parent with a turn that fails (dossier D.1); where that is not so, replaying costs bytes only.
    if (parent) parent.carrier = null;
    if (this.turn.isSettled) return this.#end({ error });
    this.#sending?.prove();
    this.#refusal = { event, bytes, error };
    this.#step({ type: 'refused', error, isExtended: this.#outgoing.hasKey && this.#carrier?.keys !== 'honoured' });
  }

  /** The request is larger than what the server reads from a socket: it was refused unread. */
  #outgrow(): void {
    const event: ServerEvent = {
      type: 'error',
      status: 413,
      error: {
        type: 'invalid_request_error',
        code: tooLargeCode,
        message: 'The request is larger than what this server reads from a socket.',
        param: null,
      },
    };
    const error = toResponsesError(event);
    this.#refusal = error && { event, bytes: 0, error };
    this.#step({ type: 'outgrown' });
  }

  #onResponse(response: Response): void {
    if (!this.#carrier) return;
    this.#host.commit(response, { parent: this.#ground.parent, input: this.#input }, this.#carrier);
    if (this.#host.steers.isOpen(response.id)) this.#steered = response;
    else this.#end({ response });
  }

  #onSilence(): void {
    const carrier = this.#carrier;
    if (!carrier || this.#isOver) return;
    const limit: TurnLimit = this.isWaiting ? 'firstEvent' : 'stall';
    const limitMs = this.#host.settings.timeouts[`${limit}Ms`];
    this.#silences += 1;
    if (this.#silences === 1 && carrier.revive(limitMs)) return this.#silence.start(limitMs);
    if (this.#steered) return this.#end({ response: this.#steered });
    this.turn.isSent ||= this.#sending?.hasLeft ?? false;
    const error = new TurnTimeoutError(limit, limitMs, this.turn.progress);
    // Its late events must not meet the next turn, nor what comes when it is asked for again.
    this.#host.leave(carrier, notRefused);
    if (this.#silences <= 2 && carrier.keys !== 'ignored')
      this.lose({ code: 1006, reason: error.message, cause: error }, false);
    else this.#end({ error });
  }

  #end(end: TurnEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#nextAttempt();
    this.#silence.stop();
    this.#timers.clearAll();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.turn.finish(end);
    this.#host.onEnd(this, end);
    this.#carrier?.release(this.#host.passenger);
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The turn was aborted.', { cause: reason });
}
