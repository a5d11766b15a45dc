/** The loaded model: llama.cpp in this process, its KV pool, its template. Imported when the first turn needs it. */
import { availableParallelism } from 'node:os';
import { LlamaLogLevel, getLlama } from 'node-llama-cpp';
import type {
  GgufFileInfo,
  Llama,
  LlamaContext as NativeContext,
  LlamaModel,
  Token as NativeToken,
} from 'node-llama-cpp';
import type { SequencesReading } from '../../observe/snapshot.ts';
import type { EngineEvent, EngineUsage, GenerateRequest } from '../engine.ts';
import { defaultMemoryBudgetBytes, kvBytesPerToken, toPoolSize } from './budget.ts';
import type { AttentionShape } from './budget.ts';
import { toInputGrammars } from '../grammar/tool-grammars.ts';
import type { TokenContext } from '../token-chain/context.ts';
import { generate, warm } from './generate.ts';
import type { GenerationOptions, Generator } from './generate.ts';
import { NativeSequence } from './kv-sequence.ts';
import { PromptBuilder } from '../token-chain/prompt.ts';
import { createStateFolder } from './state-folder.ts';
import { GrammarCache, toSampling } from './sampling.ts';
import { SequencePool } from '../token-chain/sequences.ts';
import { createChatTemplate } from '../chat-template/template.ts';
import type { Vocabulary } from '../chat-template/tokenizer.ts';

/** What to load, and how much memory it may take. */
export interface RuntimeOptions {
  readonly modelPath: string;
  /** A Jinja chat template instead of the one that the model brings. */
  readonly chatTemplate?: string | undefined;
  /** Tokens of one sequence; at most what the model was trained for. */
  readonly contextTokens?: number | undefined;
  /** Bytes of all KV sequences together; 128 MiB. One sequence is made in any case. */
  readonly memoryBudgetBytes?: number | undefined;
  /** Bytes of idle chains' states that are put aside in memory-backed files when others need their sequences; none by default. */
  readonly spillBudgetBytes?: number | undefined;
  /** One core is left to the event loop: llama.cpp's threads spin while they wait. */
  readonly threads?: number | undefined;
  /** Used where a request names no temperature; otherwise the API's default holds. */
  readonly defaultTemperature?: number | undefined;
  /** Makes sampling repeatable; a fresh one for each answer where it is left out. */
  readonly seed?: number | null | undefined;
}

/** A loaded model. */
export interface Runtime {
  readonly contextTokens: number;
  /** As `Engine.generate`. */
  generate(request: GenerateRequest<TokenContext>, signal: AbortSignal): AsyncIterable<readonly EngineEvent[]>;
  /** As `Engine.warm`. */
  warm(request: GenerateRequest<TokenContext>, signal: AbortSignal): Promise<EngineUsage>;
  /** As `Engine.count`. */
  count(request: GenerateRequest<TokenContext>): Promise<number>;
  /** Its pool, as it stands. */
  reading(): Omit<SequencesReading, 'name'>;
  /** To be called when a chain was let go. */
  sweep(): void;
  /** Waits for what is being evaluated, then frees the model. */
  dispose(): Promise<void>;
}

/** Tokens of one native batch: more would make other sequences wait longer for their next token. */
const batchTokens = 256;
/** The type of control tokens in a GGUF vocabulary. */
const controlType = 3;

/** Loads. Rejects where the file is no model that llama.cpp can run. */
export async function loadRuntime(options: RuntimeOptions): Promise<Runtime> {
  const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.error });
  try {
    return await createRuntime(llama, options);
  } catch (error) {
    await llama.dispose();
    throw error;
  }
}

async function createRuntime(llama: Llama, options: RuntimeOptions): Promise<Runtime> {
  const model = await llama.loadModel({ modelPath: options.modelPath });
  const { metadata } = model.fileInfo;
  const budgetBytes = options.memoryBudgetBytes ?? defaultMemoryBudgetBytes;
  const shape = toAttentionShape(model.fileInfo);
  const size = toPoolSize(shape, budgetBytes, options.contextTokens ?? null);
  const threads = options.threads ?? Math.max(1, availableParallelism() - 1);
  const context = await model.createContext({
    contextSize: size.contextTokens,
    sequences: size.sequences,
    batchSize: Math.min(batchTokens, size.contextTokens),
    // On a CPU it makes short evaluations 4 to 20 times slower, and a turn's delta is short.
    flashAttention: false,
    threads: { ideal: threads, min: 1 },
  });
  const template = await createChatTemplate(
    options.chatTemplate ?? metadata.tokenizer.chat_template ?? null,
    toVocabulary(model),
  );
  const contextTokens = Math.min(size.contextTokens, context.contextSize);
  const grammars = new GrammarCache(llama, model);
  const spillBytes = options.spillBudgetBytes ?? 0;
  const states = spillBytes === 0 ? null : await createStateFolder<NativeSequence>(spillBytes, kvBytesPerToken(shape));
  const sequences = Array.from({ length: size.sequences }, () => createSequence(context));
  const generator: Generator<NativeSequence> = {
    pool: new SequencePool(sequences, states),
    contextTokens,
    detokenize: (tokens, before) => model.detokenize(tokens as NativeToken[], true, before as NativeToken[]),
    closing: await template.closing(),
    encode: async (text) => (await template.written(text)).tokens,
    compileSchema: (schema, field) => grammars.answer(schema, field),
    compileGrammar: (gbnf) => grammars.input(gbnf),
  };
  const prompts = new PromptBuilder(template, contextTokens);
  return {
    contextTokens,
    async *generate(request, signal) {
      const prompt = await prompts.build(request, true);
      const how: GenerationOptions = {
        sampling: toSampling(request, options.defaultTemperature ?? null, options.seed ?? null),
        inputGrammars: toInputGrammars(request, prompt.family),
      };
      yield* generate(generator, request, prompt, how, signal);
    },
    async warm(request, signal) {
      const prompt = await prompts.build(request, false);
      const cachedTokens = Math.min(prompt.length, generator.pool.cached(prompt.span));
      // A warm-up that fails costs time only: the generation evaluates what is missing, and fails visibly if it must.
      if (prompt.length > cachedTokens) warm(generator, prompt, signal).catch(() => {});
      return { inputTokens: prompt.length, cachedTokens, outputTokens: 0, reasoningTokens: 0 };
    },
    async count(request) {
      return (await prompts.build(request, true)).length;
    },
    reading: () => generator.pool.reading(),
    sweep() {
      generator.pool.sweep();
    },
    async dispose() {
      await generator.pool.drain();
      await states?.remove();
      await llama.dispose();
    },
  };
}

function createSequence(context: NativeContext): NativeSequence {
  return new NativeSequence(context.getSequence({ contextShift: { strategy: refuseShift } }));
}

/** Full sequences drop their oldest tokens in silence unless they are told not to: prompts are measured beforehand. */
function refuseShift(): never {
  throw new Error('A KV sequence overflowed.');
}

function toAttentionShape(file: GgufFileInfo): AttentionShape {
  const { attention, block_count, context_length, embedding_length } = file.architectureMetadata;
  const heads = Math.max(1, attention?.head_count ?? 1);
  return {
    layers: block_count ?? 1,
    // Some models have other counts in other layers: an array.
    kvHeads: Math.max(...[attention?.head_count_kv ?? heads].flat()),
    headWidth: attention?.key_length ?? Math.ceil((embedding_length ?? heads) / heads),
    trainedTokens: context_length ?? 4096,
  };
}

/** The vocabulary of a loaded model; the weights need not be there (`vocabOnly`). */
export function toVocabulary(model: LlamaModel): Vocabulary {
  const { tokens, token_type } = model.fileInfo.metadata.tokenizer.ggml;
  return {
    tokenize: (text, parsesControl) => model.tokenize(text, parsesControl),
    controlTexts: tokens.filter((_, index) => Number(token_type[index]) === controlType),
    bos: model.tokens.bosString ?? '',
    eos: model.tokens.eosString ?? '',
    needsBos: model.tokens.shouldPrependBosToken,
  };
}
