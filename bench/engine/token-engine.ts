/**
 * An engine that takes token ids, with all of Longwire's own work and no model: chains are rendered and tokenised, sequences leased and
 * compared, answers read back. What a turn costs here is what a server of token ids costs our process.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../../packages/server/src/engine/engine.ts';
import { createChatTemplate } from '../../packages/server/src/engine/chat-template/template.ts';
import type { Token, Vocabulary } from '../../packages/server/src/engine/chat-template/tokenizer.ts';
import { generate, warm, type Generator } from '../../packages/server/src/engine/llama/generate.ts';
import type { EvaluatedSequence, SampledToken } from '../../packages/server/src/engine/llama/kv-sequence.ts';
import { extendContext, type TokenContext } from '../../packages/server/src/engine/token-chain/context.ts';
import { PromptBuilder } from '../../packages/server/src/engine/token-chain/prompt.ts';
import { SequencePool } from '../../packages/server/src/engine/token-chain/sequences.ts';
import { instant, type Pace } from './cost.ts';

const contextTokens = 1_000_000;
const sequences = 8;
const answer = 'It says the same.';
const controlTexts = ['<|im_start|>', '<|im_end|>'];

/** A token is up to four characters; those of the template are tokens of their own. */
const tokenPattern = /<\|im_start\|>|<\|im_end\|>|[^<]{1,4}|</gsu;
const vocabulary: Vocabulary = {
  tokenize: (text) => (text.match(tokenPattern) ?? []).map(toToken),
  controlTexts,
  bos: '',
  eos: '<|im_end|>',
  needsBos: false,
};

/** Creates it. It serves one model of this name. Of the pace, what is fixed and what is prefilled count: a sequence has its prefix. */
export async function createTokenEngine(model: string, pace: Pace = instant): Promise<Engine<TokenContext>> {
  const template = await createChatTemplate(null, vocabulary);
  const prompts = new PromptBuilder(template, contextTokens);
  const generator: Generator<CountedSequence> = {
    pool: new SequencePool(Array.from({ length: sequences }, () => new CountedSequence(pace))),
    contextTokens,
    detokenize: (tokens) => String.fromCodePoint(...tokens),
    closing: await template.closing(),
    encode: async (text) => (await template.written(text)).tokens,
    compileSchema: async () => undefined,
    compileGrammar: async () => undefined,
  };
  return {
    name: `tokens:${model}`,
    models: async () => [{ id: model, created: 0, ownedBy: 'longwire' }],
    extend: extendContext,
    async *generate(request, signal) {
      const prompt = await prompts.build(request, true);
      yield* generate(generator, request, prompt, { sampling: {}, inputGrammars: new Map() }, signal);
    },
    async warm(request, signal) {
      const prompt = await prompts.build(request, false);
      const cachedTokens = Math.min(prompt.length, generator.pool.cached(prompt.span));
      // Stopped by the answer that takes over, or by the end of the server.
      if (prompt.length > cachedTokens) warm(generator, prompt, signal).catch(() => {});
      return { inputTokens: prompt.length, cachedTokens, outputTokens: 0, reasoningTokens: 0 };
    },
    release: (context) => context.release(),
    close: () => generator.pool.drain(),
  };
}

/** Knows how many tokens it would hold, and takes its time for them. */
class CountedSequence implements EvaluatedSequence<CountedSequence> {
  readonly #pace: Pace;
  length = 0;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  async truncate(length: number): Promise<void> {
    this.length = Math.min(length, this.length);
  }

  canCopy(): boolean {
    return false;
  }

  async copyFrom(): Promise<boolean> {
    return false;
  }

  async append(tokens: readonly Token[]): Promise<void> {
    const { prefillPerSecond } = this.#pace;
    if (prefillPerSecond > 0) await sleep((1000 * tokens.length) / prefillPerSecond);
    this.length += tokens.length;
  }

  async *generate(tokens: readonly Token[]): AsyncGenerator<SampledToken, void> {
    if (this.#pace.fixedMs > 0) await sleep(this.#pace.fixedMs);
    await this.append(tokens);
    for (const character of answer) {
      yield { token: toToken(character) };
      this.length += 1;
    }
  }
}

/** Characters are their own tokens; of longer pieces the first and the length tell enough for a measurement. */
function toToken(piece: string): Token {
  const first = piece.codePointAt(0) ?? 0;
  return piece.length === 1 ? first : first + 65_536 * piece.length;
}
