/** One KV sequence, as the pool sees it: an append-only run of evaluated tokens that can be cut short and copied. */
import type { LlamaContextSequence, SequenceEvaluateOptions, Token } from 'node-llama-cpp';

/** How tokens are chosen. */
export type SamplingOptions = Pick<
  SequenceEvaluateOptions,
  'temperature' | 'topP' | 'topK' | 'seed' | 'grammarEvaluationState'
>;

/** The port to the native sequence. Operations of one sequence never overlap; those of different sequences may. */
export interface KvSequence {
  /** Evaluated tokens. */
  readonly length: number;
  /** Keeps the first `length` tokens, or fewer where the model's memory cannot be cut there (recurrent, sliding window). */
  truncate(length: number): Promise<void>;
  /** Becomes a copy of the first `length` tokens of `other`. False when it could not; what it holds then is undefined. */
  copyFrom(other: KvSequence, length: number): Promise<boolean>;
  /** Evaluates tokens. */
  append(tokens: readonly Token[]): Promise<void>;
  /** Evaluates `tokens` and yields what the model says next, each token evaluated when the following one is asked for. Ends at its end of turn. */
  generate(tokens: readonly Token[], options: SamplingOptions): AsyncIterator<Token>;
}

/** Copying is an internal method of the pinned version: without it a fork starts over, which is slower and as right. */
interface Copyable {
  _copyStateFromOtherSequence?(other: LlamaContextSequence, upTo: number): Promise<boolean>;
}

/** A sequence of node-llama-cpp. */
export class NativeSequence implements KvSequence {
  readonly #native: LlamaContextSequence;

  constructor(native: LlamaContextSequence) {
    this.#native = native;
  }

  get length(): number {
    return this.#native.nextTokenIndex;
  }

  async truncate(length: number): Promise<void> {
    if (length >= this.length) return;
    if (length === 0) return this.#native.clearHistory();
    // Erasing by range would evaluate again what a recurrent model forgot, in one piece that no abort can stop.
    await this.#native.adaptStateToTokens(this.#native.contextTokens.slice(0, length), false);
  }

  async copyFrom(other: KvSequence, length: number): Promise<boolean> {
    const target: LlamaContextSequence & Copyable = this.#native;
    if (!(other instanceof NativeSequence) || target._copyStateFromOtherSequence === undefined) return false;
    return target._copyStateFromOtherSequence(other.#native, length);
  }

  append(tokens: readonly Token[]): Promise<void> {
    return this.#native.evaluateWithoutGeneratingNewTokens([...tokens]);
  }

  generate(tokens: readonly Token[], options: SamplingOptions): AsyncIterator<Token> {
    return this.#native.evaluate([...tokens], { ...options });
  }
}
