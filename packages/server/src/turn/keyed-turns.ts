/** Which requests were sent before: the turns of this process by their idempotency keys (PROTOCOL.md 11.2). Memory only. */
import { createHash } from 'node:crypto';
import { errors, hasIdempotencyKey, parseIdempotencyKey, type CreateRequest } from '@longwire/protocol';
import type { ExtensionCounts } from '../observe/extension-counts.ts';
import { KeyedTurn, type Seat } from './keyed-turn.ts';
import type { TurnRun } from './runner.ts';
import type { TurnServices } from './turn.ts';
import { releaseNode } from './release.ts';
import { logFailure } from './withheld.ts';

/** How long keys are known, and how much is kept for them. */
export interface KeyedTurnLimits {
  /** How long the end of a turn is known, in milliseconds. */
  readonly windowMs: number;
  /** How long a turn runs on without a reader, in milliseconds. */
  readonly graceMs: number;
  /** Bytes of events that one turn may keep, about. */
  readonly bufferBytes: number;
  /** Bytes of events that all of them may keep, about. */
  readonly memoryBytes: number;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** What a request with a key gets: a seat at the turn that it began before, or the right to begin it. */
export interface Claim {
  /** Null where the turn has to be begun. */
  readonly seat: Seat | null;
  /** Begins it. */
  start(run: TurnRun): Seat;
  /** Gives the key free, unless the turn was begun. */
  release(): void;
}

interface Entry {
  readonly fingerprint: string;
  /** Null once the request was refused. */
  readonly begun: Promise<KeyedTurn | null>;
  turn: KeyedTurn | null;
  ended: Promise<void>;
}

const sweepMs = 1000;

/** The turns with a key. */
export class KeyedTurns {
  readonly #limits: KeyedTurnLimits;
  readonly #services: Pick<TurnServices, 'router' | 'log'>;
  readonly #counts: ExtensionCounts;
  readonly #entries = new Map<string, Entry>();
  readonly #timer: NodeJS.Timeout | null;
  #isClosing = false;

  constructor(limits: KeyedTurnLimits, services: Pick<TurnServices, 'router' | 'log'>, counts: ExtensionCounts) {
    this.#limits = limits;
    this.#services = services;
    this.#counts = counts;
    this.#timer = limits.windowMs > 0 ? setInterval(() => this.sweep(), sweepMs).unref() : null;
  }

  /** Whether keys are honoured. */
  get isEnabled(): boolean {
    return this.#limits.windowMs > 0;
  }

  /** Whether the request has a key that is honoured. */
  covers(body: CreateRequest): boolean {
    return hasIdempotencyKey(body) && this.isEnabled;
  }

  /**
   * Looks a request with a key up. Waits while the first request with the same key is being checked.
   * Throws `invalid_type` or `invalid_value` for a key that is none, `idempotency_key_reused`, `idempotency_replay_unavailable`.
   */
  async claim(project: string, body: CreateRequest): Promise<Claim> {
    const name = JSON.stringify([project, parseIdempotencyKey(body)]);
    const fingerprint = fingerprintOf(body);
    for (;;) {
      const entry = this.#entries.get(name);
      if (!entry) return this.#reserve(name, fingerprint);
      if (entry.fingerprint !== fingerprint) throw errors.idempotencyKeyReused();
      const turn = await entry.begun;
      if (!turn) continue;
      if (turn.run.isAborted) {
        this.#forget(name, turn);
        continue;
      }
      if (!turn.isWhole) throw errors.idempotencyReplayUnavailable();
      this.#counts.attached++;
      const seat = turn.sit();
      return { seat, start: () => seat, release: () => {} };
    }
  }

  /** Ends what nobody has read for the grace period, forgets what has been over for the window, and what is too much. */
  sweep(): void {
    const nowMs = this.#limits.now();
    let keptBytes = 0;
    for (const [name, { turn }] of this.#entries) {
      if (!turn) continue;
      if (!turn.isOver && turn.isIdle(nowMs, this.#limits.graceMs)) turn.abort();
      if (turn.isOver && (turn.run.isAborted || turn.isIdle(nowMs, this.#limits.windowMs))) this.#forget(name, turn);
      else keptBytes += turn.keptBytes;
    }
    for (const { turn } of this.#entries.values()) {
      if (keptBytes <= this.#limits.memoryBytes) return;
      if (!turn?.isOver) continue;
      keptBytes -= turn.keptBytes;
      turn.drop();
      keptBytes += turn.keptBytes;
    }
  }

  /** A response is deleted: nothing of it is kept for requests to come, which are not answered anew for it. */
  delete(project: string, id: string): void {
    for (const { turn } of this.#entries.values()) {
      if (turn?.run.turn.id === id && turn.run.turn.request.project === project) turn.drop();
    }
  }

  /** Nobody can come back any more: what nobody reads is ended. Resolves when nothing runs. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#timer) clearInterval(this.#timer);
    const entries = [...this.#entries.values()];
    for (const { turn } of entries) if (turn && !turn.isRead) turn.abort();
    await Promise.all(entries.map(({ ended }) => ended));
  }

  #reserve(name: string, fingerprint: string): Claim {
    const { promise, resolve } = Promise.withResolvers<KeyedTurn | null>();
    const entry: Entry = { fingerprint, begun: promise, turn: null, ended: Promise.resolve() };
    this.#entries.set(name, entry);
    return {
      seat: null,
      start: (run) => {
        const turn = new KeyedTurn(run, { ...this.#limits, onUnread: this.#onUnread });
        entry.turn = turn;
        const seat = turn.sit();
        entry.ended = turn.pump().catch((thrown: unknown) => {
          logFailure(this.#services.log, errors.serverError(thrown), { responseId: run.turn.id });
        });
        resolve(turn);
        return seat;
      },
      release: () => {
        if (entry.turn) return;
        this.#entries.delete(name);
        resolve(null);
      },
    };
  }

  #forget(name: string, turn: KeyedTurn): void {
    if (this.#entries.get(name)?.turn === turn) this.#entries.delete(name);
    if (turn.orphan) releaseNode(this.#services, turn.orphan);
  }

  readonly #onUnread = (turn: KeyedTurn): void => {
    if (this.#isClosing || this.#limits.graceMs === 0) turn.abort();
  };
}

/** Over the whole body: a request is the same only if it asks for the same. How the answer is to come is left out. */
function fingerprintOf(request: CreateRequest): string {
  const { stream: _, ...body } = request;
  return createHash('sha256').update(JSON.stringify(body)).digest('base64');
}
