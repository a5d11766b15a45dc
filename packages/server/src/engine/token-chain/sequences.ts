/**
 * The pool of KV sequences: a fixed number of them, all that the memory budget allows, leased to one generation at a time.
 *
 * A lease starts from the sequence that shares the longest prefix with the prompt: it goes on where the chain left off, is
 * cut back to the common prefix, or is copied when another chain still wants what would be cut (a fork). Sequences that no live
 * chain wants are taken first, then the least recently used, whose state is put aside where there is a place for it. When all are
 * busy, leases wait in order.
 */
import type { SequenceCounts, SequencesReading } from '../../observe/snapshot.ts';
import { abortable } from './abortable.ts';
import { Lease } from './lease.ts';
import type { KvSequence, Slot } from './lease.ts';
import { commonRun, sharedTokens, spanLength } from './span.ts';
import type { Span } from './span.ts';
import { Spill, spillWorthTokens } from './spill.ts';
import type { SpillPlace, Spilled } from './spill.ts';

/** Below this a copy costs more than evaluating the tokens. */
const copyWorthTokens = 32;

interface Waiter<Sequence extends KvSequence<Sequence>> {
  readonly wanted: Span;
  readonly grant: (lease: Lease<Sequence>) => void;
}

/** How a lease begins: on the slot's own tokens, on a copy of another's, or on a state that was put aside. */
interface Choice<Sequence extends KvSequence<Sequence>> {
  readonly slot: Slot<Sequence>;
  readonly shared: number;
  readonly source: Slot<Sequence> | null;
  readonly spilled: Spilled<Sequence> | null;
}

/** What a sequence held that a live chain may want again. */
interface Lost {
  readonly held: Span;
  readonly tokens: number;
}

/** Sequences under a budget. */
export class SequencePool<Sequence extends KvSequence<Sequence>> {
  readonly #slots: readonly Slot<Sequence>[];
  readonly #waiters: Waiter<Sequence>[] = [];
  readonly #spill: Spill<Sequence> | null;
  readonly #counts: SequenceCounts = { continued: 0, copied: 0, restored: 0, fresh: 0, spilled: 0, dropped: 0 };
  #leases = 0;

  /** `place`: where states are put aside; without one they are dropped. */
  constructor(sequences: readonly Sequence[], place: SpillPlace<Sequence> | null = null) {
    this.#spill = place === null ? null : new Spill(place);
    this.#slots = sequences.map((sequence) => ({ sequence, held: null, stable: 0, lease: null, copies: 0, usedAt: 0 }));
  }

  /** How it stands: O(sequences and states). */
  reading(): Omit<SequencesReading, 'name'> {
    const free = this.#slots.filter(({ lease }) => lease === null);
    const held = free.filter(({ stable }) => stable > 0).length;
    return {
      leased: this.#slots.length - free.length,
      held,
      empty: free.length - held,
      waiting: this.#waiters.length,
      spilledStates: this.#spill?.size ?? 0,
      spilledBytes: this.#spill?.bytes ?? 0,
      counts: this.#counts,
    };
  }

  /** Tokens at the head of `wanted` that need no evaluation now. A guess: another lease may take them. */
  cached(wanted: Span): number {
    return Math.max(this.#spill?.closest(wanted)?.shared ?? 0, ...this.#slots.map((slot) => sharedWith(slot, wanted)));
  }

  /** A sequence for a prompt; waits while all are busy. Rejects with the signal's reason. */
  async lease(wanted: Span, signal: AbortSignal): Promise<Lease<Sequence>> {
    signal.throwIfAborted();
    await this.#takeOver(wanted, signal);
    const choice = this.#choose(wanted);
    if (choice !== null) return this.#take(choice, wanted);
    const { promise, resolve } = Promise.withResolvers<Lease<Sequence>>();
    const waiter: Waiter<Sequence> = { wanted, grant: resolve };
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
  leaseAhead(wanted: Span, onWanted: () => void): Lease<Sequence> | null {
    const isUnderway = this.#slots.some(
      ({ lease, held }) => lease?.onWanted && held !== null && sharedTokens(held, wanted) === spanLength(wanted),
    );
    const choice = isUnderway ? null : this.#choose(wanted);
    if (choice === null) return null;
    const lease = this.#take(choice, wanted);
    lease.onWanted = onWanted;
    return lease;
  }

  /** To be called when a chain was let go: nothing of it is kept aside. */
  sweep(): void {
    this.#spill?.sweep();
  }

  /** Resolves when no lease is out, and nothing is kept aside. */
  async drain(): Promise<void> {
    for (const { lease } of this.#slots) await lease?.released;
    await this.#spill?.close();
  }

  /**
   * Waits for a sequence that has, or will have in a moment, more of the prompt than can be had at once: one that a generation is
   * just leaving, or one on which a warm-up evaluates what the prompt begins with, which then hands over what it has.
   */
  async #takeOver(wanted: Span, signal: AbortSignal): Promise<void> {
    for (const { lease, held, stable } of this.#slots) {
      if (lease === null || held === null || !(lease.isEnding || lease.onWanted)) continue;
      const shared = sharedTokens(held, wanted);
      if (shared <= stable || this.#slots.some((slot) => hasUnasked(slot, shared, wanted))) continue;
      lease.onWanted?.();
      await abortable(lease.released, signal);
      return;
    }
  }

  #take(choice: Choice<Sequence>, wanted: Span): Lease<Sequence> {
    const { slot, source, spilled } = choice;
    const kept = source === null && spilled === null ? choice.shared : 0;
    const isLost = slot.held !== null && isWantedBeyond(slot, kept, wanted);
    const lost = isLost && slot.held !== null ? { held: slot.held, tokens: slot.stable } : null;
    this.#counts[startOf(choice)]++;
    slot.usedAt = this.#leases += 1;
    slot.held = wanted;
    slot.stable = kept;
    if (source !== null) source.copies += 1;
    if (spilled !== null) this.#spill?.take(spilled);
    const begun = (): void => {
      if (source !== null) source.copies -= 1;
      this.#serve();
    };
    const freed = (): void => {
      slot.lease = null;
      this.#serve();
    };
    slot.lease = new Lease(slot, wanted, this.#begin(choice, lost).finally(begun), freed);
    return slot.lease;
  }

  /** Puts aside what is lost, then brings the sequence to the prefix that it shares with a prompt. Answers with its length. */
  async #begin({ slot, shared, source, spilled }: Choice<Sequence>, lost: Lost | null): Promise<number> {
    const { sequence } = slot;
    if (lost !== null)
      this.#counts[(await this.#spill?.put(sequence, lost.held, lost.tokens)) ? 'spilled' : 'dropped']++;
    let kept = shared;
    if (source !== null) kept = (await sequence.copyFrom(source.sequence, shared)) ? shared : 0;
    else if (spilled !== null) kept = (await this.#spill?.restore(spilled, sequence)) ? shared : 0;
    await sequence.truncate(kept);
    slot.stable = sequence.length;
    return sequence.length;
  }

  /** Gives the longest waiting what is free. */
  #serve(): void {
    const [waiter] = this.#waiters;
    const choice = waiter === undefined ? null : this.#choose(waiter.wanted);
    if (waiter === undefined || choice === null) return;
    this.#waiters.shift();
    waiter.grant(this.#take(choice, waiter.wanted));
  }

  #choose(wanted: Span): Choice<Sequence> | null {
    const idle = this.#slots.filter(isFree).toSorted(byCostOfLoss);
    const [cheapest] = idle;
    if (cheapest === undefined) return null;
    // The last token is always evaluated: the model goes on from its result.
    const limit = spanLength(wanted) - 1;
    const own = this.#slots.find((slot) => isFree(slot) && isContinued(slot, wanted));
    if (own !== undefined)
      return { slot: own, shared: Math.min(limit, sharedWith(own, wanted)), source: null, spilled: null };
    const best = this.#closest(wanted);
    const shared = Math.min(limit, sharedWith(best, wanted));
    const spilled = this.#spill?.closest(wanted) ?? null;
    if (spilled !== null && Math.min(limit, spilled.shared) - shared >= spillWorthTokens)
      return { slot: cheapest, shared: Math.min(limit, spilled.shared), source: null, spilled: spilled.state };
    if (isFree(best) && shared > 0 && !isWantedBeyond(best, shared, wanted))
      return { slot: best, shared, source: null, spilled: null };
    const target = idle.find((slot) => slot !== best && slot.sequence.canCopy(best.sequence));
    if (target !== undefined && shared - sharedWith(target, wanted) >= copyWorthTokens)
      return { slot: target, shared, source: best, spilled: null };
    return { slot: cheapest, shared: Math.min(limit, sharedWith(cheapest, wanted)), source: null, spilled: null };
  }

  /** The slot that holds most of a prompt; where several do, one that may be used as it is. */
  #closest(wanted: Span): Slot<Sequence> {
    const usability = (slot: Slot<Sequence>, shared: number): number => {
      if (!isFree(slot)) return 0;
      return isWantedBeyond(slot, shared, wanted) ? 1 : 2;
    };
    return this.#slots.reduce((best, slot) => {
      const [shared, most] = [sharedWith(slot, wanted), sharedWith(best, wanted)];
      if (shared !== most) return shared > most ? slot : best;
      return usability(slot, shared) > usability(best, most) ? slot : best;
    });
  }
}

function startOf<Sequence extends KvSequence<Sequence>>({ shared, source, spilled }: Choice<Sequence>) {
  if (source !== null) return 'copied';
  if (spilled !== null) return 'restored';
  return shared > 0 ? 'continued' : 'fresh';
}

/**
 * Whether a prompt goes on from all that a slot holds, by its chain alone. Then nobody else's tokens are read: chains that begin alike
 * would be compared from their first token on, turn after turn.
 */
function isContinued<Sequence extends KvSequence<Sequence>>({ held, stable }: Slot<Sequence>, wanted: Span): boolean {
  if (held === null || held.run === null || held.project !== wanted.project || held.preamble !== wanted.preamble)
    return false;
  if (held.owner === null || commonRun(held.run, wanted.run) !== held.run) return false;
  return stable >= held.preamble.tokens.length + held.run.end && commonRun(held.owner, wanted.owner) === held.owner;
}

/** Neither in use nor being read. */
function isFree<Sequence extends KvSequence<Sequence>>(slot: Slot<Sequence>): boolean {
  return slot.lease === null && slot.copies === 0;
}

function sharedWith<Sequence extends KvSequence<Sequence>>(slot: Slot<Sequence>, wanted: Span): number {
  return slot.held === null ? 0 : Math.min(slot.stable, sharedTokens(slot.held, wanted));
}

/** Whether cutting the slot back would take tokens from a chain that may go on. */
function isWantedBeyond<Sequence extends KvSequence<Sequence>>(
  slot: Slot<Sequence>,
  shared: number,
  wanted: Span,
): boolean {
  const owner = slot.held?.owner ?? null;
  if (slot.stable <= shared || owner === null || owner.isAbandoned) return false;
  return commonRun(owner, wanted.owner) !== owner;
}

/** Whether so much of a prompt can be had from a slot at once, without taking anything from another chain. */
function hasUnasked<Sequence extends KvSequence<Sequence>>(
  slot: Slot<Sequence>,
  shared: number,
  wanted: Span,
): boolean {
  const here = sharedWith(slot, wanted);
  return isFree(slot) && here >= shared && !isWantedBeyond(slot, here, wanted);
}

/** Empty first, then those that no chain wants, then the least recently used. */
function byCostOfLoss<Sequence extends KvSequence<Sequence>>(a: Slot<Sequence>, b: Slot<Sequence>): number {
  return lossRank(a) - lossRank(b) || a.usedAt - b.usedAt;
}

function lossRank<Sequence extends KvSequence<Sequence>>(slot: Slot<Sequence>): number {
  if (slot.stable === 0) return 0;
  return slot.held?.owner?.isAbandoned === false ? 2 : 1;
}
