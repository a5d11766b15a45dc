/**
 * The pool of KV sequences: a fixed number of them, all that the memory budget allows, leased to one generation at a time.
 *
 * A lease starts from the sequence that shares the longest prefix with the prompt: it goes on where the chain left off, is
 * cut back to the common prefix, or is copied when another chain still wants what would be cut (a fork). Sequences that no live
 * chain wants are taken first, then the least recently used. When all are busy, leases wait in order.
 */
import type { Token } from 'node-llama-cpp';
import { abortable } from './abortable.ts';
import type { KvSequence, SamplingOptions } from './kv-sequence.ts';
import { commonContext, sharedTokens, spanLength, spanTokensFrom } from './span.ts';
import type { Span } from './span.ts';

/** Below this a copy costs more than evaluating the tokens. */
const copyWorthTokens = 32;

interface Slot {
  readonly sequence: KvSequence;
  /** What the sequence holds, where `stable` tokens of it are sure to be there. */
  held: Span | null;
  stable: number;
  lease: Lease | null;
  /** Copies being made of it: until they are, it must not be cut. */
  copies: number;
  /** Counts leases: the smallest is the least recently used. */
  usedAt: number;
}

interface Waiter {
  readonly wanted: Span;
  readonly grant: (lease: Lease) => void;
}

/** How a lease begins: on the slot's own tokens, or on a copy of another's. */
interface Choice {
  readonly slot: Slot;
  readonly shared: number;
  readonly source: Slot | null;
}

/** Sequences under a budget. */
export class SequencePool {
  readonly #slots: readonly Slot[];
  readonly #waiters: Waiter[] = [];
  #leases = 0;

  constructor(sequences: readonly KvSequence[]) {
    this.#slots = sequences.map((sequence) => ({ sequence, held: null, stable: 0, lease: null, copies: 0, usedAt: 0 }));
  }

  /** Tokens at the head of `wanted` that need no evaluation now. A guess: another lease may take them. */
  cached(wanted: Span): number {
    return Math.max(0, ...this.#slots.map((slot) => sharedWith(slot, wanted)));
  }

  /** A sequence for a prompt; waits while all are busy. Rejects with the signal's reason. */
  async lease(wanted: Span, signal: AbortSignal): Promise<Lease> {
    signal.throwIfAborted();
    await this.#takeOver(wanted, signal);
    const choice = this.#choose(wanted);
    if (choice !== null) return this.#take(choice, wanted);
    const { promise, resolve } = Promise.withResolvers<Lease>();
    const waiter: Waiter = { wanted, grant: resolve };
    this.#waiters.push(waiter);
    try {
      return await abortable(promise, signal);
    } catch (reason) {
      const index = this.#waiters.indexOf(waiter);
      if (index === -1) void promise.then((lease) => lease.release());
      else this.#waiters.splice(index, 1);
      throw reason;
    }
  }

  /**
   * A sequence to evaluate a prompt ahead of its turn; null when none is free, or when that is being done already.
   * `onWanted` is called when a generation wants the same prompt: the lease must then end soon.
   */
  leaseAhead(wanted: Span, onWanted: () => void): Lease | null {
    const isUnderway = this.#slots.some(
      ({ lease, held }) => lease?.onWanted && held !== null && sharedTokens(held, wanted) === spanLength(wanted),
    );
    const choice = isUnderway ? null : this.#choose(wanted);
    if (choice === null) return null;
    const lease = this.#take(choice, wanted);
    lease.onWanted = onWanted;
    return lease;
  }

  /** Resolves when no lease is out. */
  async drain(): Promise<void> {
    for (const { lease } of this.#slots) await lease?.released;
  }

  /** Where a warm-up is evaluating what this prompt begins with, it hands over what it has. */
  async #takeOver(wanted: Span, signal: AbortSignal): Promise<void> {
    for (const { lease, held, stable } of this.#slots) {
      if (!lease?.onWanted || held === null || sharedTokens(held, wanted) <= stable) continue;
      lease.onWanted();
      await abortable(lease.released, signal);
      return;
    }
  }

  #take(choice: Choice, wanted: Span): Lease {
    const { slot, source } = choice;
    slot.usedAt = this.#leases += 1;
    slot.held = wanted;
    slot.stable = source === null ? choice.shared : 0;
    if (source !== null) source.copies += 1;
    const begun = (): void => {
      if (source !== null) source.copies -= 1;
      this.#serve();
    };
    const freed = (): void => {
      slot.lease = null;
      this.#serve();
    };
    slot.lease = new Lease(slot, wanted, begin(slot, choice).finally(begun), freed);
    return slot.lease;
  }

  /** Gives the longest waiting what is free. */
  #serve(): void {
    const [waiter] = this.#waiters;
    const choice = waiter === undefined ? null : this.#choose(waiter.wanted);
    if (waiter === undefined || choice === null) return;
    this.#waiters.shift();
    waiter.grant(this.#take(choice, waiter.wanted));
  }

  #choose(wanted: Span): Choice | null {
    const idle = this.#slots.filter(isFree).toSorted(byCostOfLoss);
    const [cheapest] = idle;
    if (cheapest === undefined) return null;
    // The last token is always evaluated: the model goes on from its result.
    const limit = spanLength(wanted) - 1;
    const best = this.#closest(wanted);
    const shared = Math.min(limit, sharedWith(best, wanted));
    if (isFree(best) && shared > 0 && !isWantedBeyond(best, shared, wanted))
      return { slot: best, shared, source: null };
    const target = idle.find((slot) => slot !== best);
    if (target !== undefined && shared - sharedWith(target, wanted) >= copyWorthTokens)
      return { slot: target, shared, source: best };
    return { slot: cheapest, shared: Math.min(limit, sharedWith(cheapest, wanted)), source: null };
  }

  /** The slot that holds most of a prompt; a free one where several do. */
  #closest(wanted: Span): Slot {
    return this.#slots.reduce((best, slot) => {
      const more = sharedWith(slot, wanted) - sharedWith(best, wanted);
      return more > 0 || (more === 0 && !isFree(best)) ? slot : best;
    });
  }
}

/** A sequence in use. One operation at a time; `release` waits for the one under way, so an abort need not. */
export class Lease {
  readonly #slot: Slot;
  readonly #wanted: Span;
  readonly #freed: () => void;
  #generation: AsyncIterator<Token> | null = null;
  #underway: Promise<unknown>;
  #isReleased = false;
  readonly #end = Promise.withResolvers<void>();
  /** Of a lease ahead of its turn: see `leaseAhead`. */
  onWanted: (() => void) | null = null;
  /** Tokens at the head of the prompt that need no evaluation, once the sequence has been brought there. */
  readonly ready: Promise<number>;

  constructor(slot: Slot, wanted: Span, ready: Promise<number>, freed: () => void) {
    this.#slot = slot;
    this.#wanted = wanted;
    this.ready = ready;
    this.#freed = freed;
    this.#underway = ready.catch(() => {});
  }

  /** Resolves when the sequence is free again. */
  get released(): Promise<void> {
    return this.#end.promise;
  }

  /** Evaluated tokens of this sequence. */
  get length(): number {
    return this.#slot.sequence.length;
  }

  /** The tokens of the wanted prompt that the sequence does not hold yet. */
  pending(): Token[] {
    return spanTokensFrom(this.#wanted, this.length);
  }

  /** Evaluates tokens of the wanted prompt. */
  async append(tokens: readonly Token[]): Promise<void> {
    await this.#run(() => this.#slot.sequence.append(tokens));
    this.#slot.stable = this.length;
  }

  /** Lets the model go on behind `tokens`: {@link next} tells what it says. */
  start(tokens: readonly Token[], options: SamplingOptions): void {
    this.#generation = this.#slot.sequence.generate(tokens, options);
  }

  /** The model's next token, null at its end of turn. */
  async next(): Promise<Token | null> {
    const generation = this.#generation;
    if (generation === null) throw new Error('A lease was asked for a token before it was started.');
    const { done, value } = await this.#run(() => generation.next());
    return done === true ? null : value;
  }

  /**
   * Gives the sequence back, as soon as what runs on it has ended.
   * What it holds then is the head of `held`: at least all that was evaluated, and it may say more.
   */
  release(held: Span = this.#wanted): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    const finish = (): void => {
      this.#slot.held = held;
      this.#slot.stable = Math.min(this.length, spanLength(held));
      this.#freed();
      this.#end.resolve();
    };
    void this.#run(async () => this.#generation?.return?.()).then(finish, finish);
  }

  #run<Result>(operation: () => Promise<Result>): Promise<Result> {
    const running = this.#underway.then(operation, operation);
    this.#underway = running;
    return running;
  }
}

/** Brings a sequence to the prefix that it shares with a prompt. Answers with its length. */
async function begin(slot: Slot, { shared, source }: Choice): Promise<number> {
  const { sequence } = slot;
  if (source === null) await sequence.truncate(shared);
  else await sequence.truncate((await sequence.copyFrom(source.sequence, shared)) ? shared : 0);
  slot.stable = sequence.length;
  return sequence.length;
}

/** Neither in use nor being read. */
function isFree(slot: Slot): boolean {
  return slot.lease === null && slot.copies === 0;
}

function sharedWith(slot: Slot, wanted: Span): number {
  return slot.held === null ? 0 : Math.min(slot.stable, sharedTokens(slot.held, wanted));
}

/** Whether cutting the slot back would take tokens from a chain that may go on. */
function isWantedBeyond(slot: Slot, shared: number, wanted: Span): boolean {
  const owner = slot.held?.owner ?? null;
  if (slot.stable <= shared || owner === null || owner.isAbandoned) return false;
  return commonContext(owner, wanted.owner) !== owner;
}

/** Empty first, then those that no chain wants, then the least recently used. */
function byCostOfLoss(a: Slot, b: Slot): number {
  return lossRank(a) - lossRank(b) || a.usedAt - b.usedAt;
}

function lossRank(slot: Slot): number {
  if (slot.stable === 0) return 0;
  return slot.held?.owner?.isAbandoned === false ? 2 : 1;
}
