/**
 * States of sequences whose chains may go on, kept aside when another chain needs the sequence: to bring one back costs far less than to
 * evaluate its tokens again.
 */
import { sharedTokens } from './span.ts';
import type { Span } from './span.ts';

/** One state that was put aside. */
export interface SavedState<Sequence> {
  /** Makes a sequence what the saved one was. Rejects where it cannot: what the sequence holds then is undefined. */
  restore(sequence: Sequence): Promise<void>;
  /** Frees its memory. Never rejects. */
  remove(): Promise<void>;
}

/** Where states are put. */
export interface SpillPlace<Sequence> {
  /** Bytes that all states together may take. */
  readonly budgetBytes: number;
  /** Bytes that the state of so many tokens takes. */
  sizeOf(tokens: number): number;
  /** Puts aside what a sequence holds. Rejects where there is no room after all. */
  save(sequence: Sequence): Promise<SavedState<Sequence>>;
}

/** A state in the list; `saved` while it is still being written. */
export interface Spilled<Sequence> {
  readonly held: Span;
  readonly tokens: number;
  readonly saved: Promise<SavedState<Sequence>>;
}

/** Fewer tokens are evaluated faster than they are written and read. */
export const spillWorthTokens = 64;

/** The states under a budget. Those of abandoned chains go first, then the oldest. */
export class Spill<Sequence> {
  readonly #place: SpillPlace<Sequence>;
  /** The oldest first. */
  #states: Spilled<Sequence>[] = [];
  readonly #removing = new Set<Promise<unknown>>();

  constructor(place: SpillPlace<Sequence>) {
    this.#place = place;
  }

  /** The state that shares the longest prefix with a prompt, and its length. */
  closest(wanted: Span): { readonly state: Spilled<Sequence>; readonly shared: number } | null {
    let best: { state: Spilled<Sequence>; shared: number } | null = null;
    for (const state of this.#states) {
      const shared = Math.min(state.tokens, sharedTokens(state.held, wanted));
      if (best === null || shared > best.shared) best = { state, shared };
    }
    return best;
  }

  /** States that are kept. */
  get size(): number {
    return this.#states.length;
  }

  /** What they take. */
  get bytes(): number {
    return this.#states.reduce((sum, state) => sum + this.#place.sizeOf(state.tokens), 0);
  }

  /**
   * Puts aside what a sequence holds, where that is worth it and there is room. Resolves when the sequence may be changed, with
   * whether it was put aside.
   */
  async put(sequence: Sequence, held: Span, tokens: number): Promise<boolean> {
    this.sweep();
    const bytes = this.#place.sizeOf(tokens);
    if (tokens < spillWorthTokens || bytes > this.#place.budgetBytes) return false;
    while (this.bytes + bytes > this.#place.budgetBytes) this.#drop(this.#states[0]);
    // What this state holds too is not kept twice.
    for (const state of this.#states)
      if (Math.min(state.tokens, sharedTokens(state.held, held)) === state.tokens && state.tokens <= tokens)
        this.#drop(state);
    const room = Promise.all(this.#removing);
    const state: Spilled<Sequence> = { held, tokens, saved: room.then(() => this.#place.save(sequence)) };
    this.#states.push(state);
    return state.saved.then(
      () => true,
      () => {
        this.#drop(state);
        return false;
      },
    );
  }

  /** Takes a state out: it is the caller's to restore. */
  take(state: Spilled<Sequence>): void {
    this.#states = this.#states.filter((each) => each !== state);
  }

  /** Makes a sequence what a taken state was, and frees that. False where it could not; what the sequence holds then is undefined. */
  async restore(state: Spilled<Sequence>, sequence: Sequence): Promise<boolean> {
    try {
      const saved = await state.saved;
      await saved.restore(sequence);
      return true;
    } catch {
      return false;
    } finally {
      this.#remove(state);
    }
  }

  /** Frees the states of chains that nobody can extend any more. */
  sweep(): void {
    for (const state of this.#states) if (state.held.owner?.isAbandoned !== false) this.#drop(state);
  }

  /** Frees all states. */
  async close(): Promise<void> {
    for (const state of this.#states) this.#drop(state);
    await Promise.all(this.#removing);
  }

  #drop(state: Spilled<Sequence> | undefined): void {
    if (state === undefined) return;
    this.take(state);
    this.#remove(state);
  }

  #remove(state: Spilled<Sequence>): void {
    const removing: Promise<unknown> = state.saved
      .then(
        (saved) => saved.remove(),
        () => {},
      )
      .finally(() => this.#removing.delete(removing));
    this.#removing.add(removing);
  }
}
