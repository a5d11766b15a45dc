/** A KV sequence in use by one generation. */
import type { Token } from '../chat-template/tokenizer.ts';
import { spanLength, spanTokensFrom } from './span.ts';
import type { Span } from './span.ts';

/**
 * One KV sequence, as the pool sees it: an append-only run of evaluated tokens that can be cut short and copied.
 * Operations of one sequence never overlap; those of different sequences may.
 */
export interface KvSequence<Self> {
  /** Evaluated tokens. */
  readonly length: number;
  /** Keeps the first `length` tokens, or fewer where the model's memory cannot be cut there (recurrent, sliding window). */
  truncate(length: number): Promise<void>;
  /** Whether {@link copyFrom} is worth trying now. */
  canCopy(other: Self): boolean;
  /** Becomes a copy of the first `length` tokens of `other`. False when it could not; what it holds then is undefined. */
  copyFrom(other: Self, length: number): Promise<boolean>;
}

/** A sequence of the pool, and what the pool knows of it. */
export interface Slot<Sequence extends KvSequence<Sequence>> {
  readonly sequence: Sequence;
  /** What the sequence holds, where `stable` tokens of it are sure to be there. */
  held: Span | null;
  stable: number;
  lease: Lease<Sequence> | null;
  /** Copies being made of it: until they are, it must not be cut. */
  copies: number;
  /** Counts leases: the smallest is the least recently used. */
  usedAt: number;
}

/** A sequence in use. One operation at a time; `release` waits for the one under way, so an abort need not. */
export class Lease<Sequence extends KvSequence<Sequence>> {
  readonly #slot: Slot<Sequence>;
  readonly #wanted: Span;
  readonly #freed: () => void;
  #underway: Promise<unknown>;
  #isReleased = false;
  readonly #end = Promise.withResolvers<void>();
  /** Of a lease ahead of its turn: see `leaseAhead`. */
  onWanted: (() => void) | null = null;
  /** Tokens at the head of the prompt that need no evaluation, once the sequence has been brought there. */
  readonly ready: Promise<number>;

  constructor(slot: Slot<Sequence>, wanted: Span, ready: Promise<number>, freed: () => void) {
    this.#slot = slot;
    this.#wanted = wanted;
    this.ready = ready;
    this.#freed = freed;
    this.#underway = ready.catch(() => {});
  }

  /** What is leased. To be used inside {@link run}, or where it keeps no order of operations. */
  get sequence(): Sequence {
    return this.#slot.sequence;
  }

  /** Whether it was given back, and only waits for what runs to end. */
  get isEnding(): boolean {
    return this.#isReleased;
  }

  /** Resolves when the sequence is free again. */
  get released(): Promise<void> {
    return this.#end.promise;
  }

  /** The tokens of the wanted prompt that the sequence does not hold yet. */
  pending(): Token[] {
    return spanTokensFrom(this.#wanted, this.#slot.sequence.length);
  }

  /** Does something with the sequence, when all that was asked before is done. */
  run<Result>(operation: (sequence: Sequence) => Promise<Result>): Promise<Result> {
    const running = this.#after(this.#underway, operation);
    this.#underway = running.catch(() => {});
    return running;
  }

  /** To be called when the sequence holds more of the wanted prompt: other prompts may then begin from it. */
  settle(): void {
    this.#slot.stable = Math.min(this.#slot.sequence.length, spanLength(this.#wanted));
  }

  /**
   * Gives the sequence back, as soon as what runs on it has ended, and `finish` has.
   * What it holds then is the head of `held`: at least all that was evaluated, and it may say more.
   */
  release(held: Span = this.#wanted, finish: (sequence: Sequence) => Promise<unknown> = () => Promise.resolve()): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#slot.held = held;
    const free = (): void => {
      this.#slot.stable = Math.min(this.#slot.sequence.length, spanLength(held));
      this.#freed();
      this.#end.resolve();
    };
    void this.run(finish).then(free, free);
  }

  async #after<Result>(before: Promise<unknown>, operation: (sequence: Sequence) => Promise<Result>): Promise<Result> {
    await before;
    return operation(this.#slot.sequence);
  }
}
