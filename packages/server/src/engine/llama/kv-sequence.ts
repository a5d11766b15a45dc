/** A KV sequence of node-llama-cpp. */
import type {
  LlamaContextSequence,
  SequenceEvaluateMetadataOptions,
  SequenceEvaluateOptions,
  Token as NativeToken,
} from 'node-llama-cpp';
import type { Token } from '../chat-template/tokenizer.ts';
import type { KvSequence } from '../token-chain/lease.ts';
import type { StorableSequence } from './state-folder.ts';

/** How tokens are chosen. */
export type SamplingOptions = Pick<
  SequenceEvaluateOptions,
  'temperature' | 'topP' | 'topK' | 'seed' | 'grammarEvaluationState'
> & { readonly wantsProbabilities?: boolean };

/** Copying is an internal method of the pinned version: without it a fork starts over, which is slower and as right. */
interface Copyable {
  _copyStateFromOtherSequence?(other: LlamaContextSequence, upTo: number): Promise<boolean>;
}

/** What the embedded engine needs of a sequence besides keeping it. */
export interface EvaluatedSequence<Self> extends KvSequence<Self> {
  /** Evaluates tokens. */
  append(tokens: readonly Token[]): Promise<void>;
  /**
   * Evaluates `tokens` and yields what the model says next, each token evaluated when the following one is asked for. Ends at
   * its end of turn.
   */
  generate(tokens: readonly Token[], options: SamplingOptions): AsyncIterator<SampledToken>;
}

/** A token, with the probabilities of all tokens in its place where they were asked for, the likeliest first. */
export interface SampledToken {
  readonly token: Token;
  readonly probabilities?: ReadonlyMap<Token, number> | undefined;
}

/** A sequence of node-llama-cpp. */
export class NativeSequence implements EvaluatedSequence<NativeSequence>, StorableSequence {
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

  canCopy(): boolean {
    const native: LlamaContextSequence & Copyable = this.#native;
    return native._copyStateFromOtherSequence !== undefined;
  }

  async copyFrom(other: NativeSequence, length: number): Promise<boolean> {
    const target: LlamaContextSequence & Copyable = this.#native;
    if (target._copyStateFromOtherSequence === undefined) return false;
    return target._copyStateFromOtherSequence(other.#native, length);
  }

  async saveTo(path: string): Promise<void> {
    const { fileSize } = await this.#native.saveStateToFile(path);
    if (fileSize === 0) throw new Error('The state of a KV sequence could not be written.');
  }

  async loadFrom(path: string): Promise<void> {
    try {
      await this.#native.loadStateFromFile(path, { acceptRisk: true });
    } catch (error) {
      await this.#native.clearHistory();
      throw error;
    }
  }

  append(tokens: readonly Token[]): Promise<void> {
    return this.#native.evaluateWithoutGeneratingNewTokens(toNative(tokens));
  }

  async *generate(tokens: readonly Token[], options: SamplingOptions): AsyncGenerator<SampledToken, void> {
    const { wantsProbabilities, ...sampling } = options;
    if (!wantsProbabilities) {
      for await (const token of this.#native.evaluate(toNative(tokens), sampling)) yield { token };
      return;
    }
    const metadata: SequenceEvaluateMetadataOptions = { probabilities: true };
    yield* this.#native.evaluateWithMetadata(toNative(tokens), metadata, sampling);
  }
}

/** The library brands its token ids. */
function toNative(tokens: readonly Token[]): NativeToken[] {
  return [...tokens] as NativeToken[];
}
