/**
 * The engine that answers with any provider of the Vercel AI SDK: Anthropic, Google, Bedrock, Mistral, Cohere, …
 *
 * The provider's package is the user's to install and does the translating and the HTTP. It takes the whole prompt with every call;
 * ours is converted once per node, and what remains per turn is an array of references.
 */
import type { Engine, EngineEvent, EngineModel, GenerateRequest } from '../engine.ts';
import { UpstreamErrors } from '../http/errors.ts';
import { toToolTable } from '../chat/tools.ts';
import { AnswerRecorder } from './answer.ts';
import { createContext, extendContext, type PromptContext } from './context.ts';
import { toProviderError } from './errors.ts';
import type { LateSystemRole } from './messages.ts';
import { loadProvider, type ModelSource, type ProviderPackage } from './provider-package.ts';
import { toCallOptions } from './request.ts';
import { PartDecoder } from './stream.ts';
import type { LanguageModel, StreamPart } from './wire.ts';

/** Which provider, and which of its models. */
export interface AISDKOptions extends ProviderPackage {
  /** Unique in the process. Errors name it to clients. */
  readonly engineName: string;
  /** Providers do not list their models: these are served. */
  readonly models: readonly string[];
  /** Put into every call as it is. */
  readonly providerOptions?: Readonly<Record<string, unknown>> | null;
  /** What system messages become behind the first other message. Default: `system`. */
  readonly lateSystemRole?: LateSystemRole;
}

/** Loads the package and makes the engine. Throws as `loadProvider` does: the server does not start without its provider. */
export async function createAISDKEngine(options: AISDKOptions): Promise<Engine<PromptContext>> {
  const source = await loadProvider(options);
  return new AISDKEngine(options, new Map(options.models.map((id) => [id, source(id)])));
}

class AISDKEngine implements Engine<PromptContext> {
  readonly name: string;
  readonly #models: ReadonlyMap<string, LanguageModel>;
  readonly #list: readonly EngineModel[];
  readonly #errors: UpstreamErrors;
  readonly #providerOptions: Readonly<Record<string, unknown>> | null;
  readonly #lateSystemRole: LateSystemRole;

  constructor(options: AISDKOptions, models: ReadonlyMap<string, ReturnType<ModelSource>>) {
    this.name = options.engineName;
    this.#models = models;
    this.#list = options.models.map((id) => ({
      id,
      created: 0,
      ownedBy: options.engineName,
      description: options.name,
    }));
    this.#errors = new UpstreamErrors(options.engineName, secretsIn(options.settings));
    this.#providerOptions = options.providerOptions ?? null;
    this.#lateSystemRole = options.lateSystemRole ?? 'system';
  }

  async models(): Promise<readonly EngineModel[]> {
    return this.#list;
  }

  extend(parent: PromptContext | null, items: Parameters<Engine['extend']>[1]): PromptContext {
    return extendContext(parent ?? createContext(this.#lateSystemRole), items);
  }

  async *generate(
    request: GenerateRequest<PromptContext>,
    signal: AbortSignal,
  ): AsyncGenerator<readonly EngineEvent[], void, undefined> {
    signal.throwIfAborted();
    const table = toToolTable(request.preamble.tools);
    const call = toCallOptions(request, table, this.#providerOptions, signal);
    const decoder = new PartDecoder(table, request.settings.parallel_tool_calls);
    const recorder = new AnswerRecorder();
    try {
      for await (const part of this.#stream(request.model, call)) {
        recorder.add(part);
        const events = decoder.push(part);
        if (decoder.failure) throw decoder.failure.error;
        // Before the last event goes out: the chain goes on from there at once.
        if (decoder.done) request.context.answer = { outline: recorder.outline, parts: recorder.parts };
        if (events.length > 0) yield events;
        if (decoder.done) return;
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw toProviderError(error, this.#errors, request.model);
    }
    throw this.#errors.brokenStream('ended its answer too early');
  }

  /** Nothing to do: what no context refers to any more is collected. */
  release(): void {}

  async close(): Promise<void> {}

  async *#stream(model: string, call: Parameters<LanguageModel['doStream']>[0]): AsyncGenerator<StreamPart> {
    const found = this.#models.get(model);
    if (!found) throw new Error(`The engine '${this.name}' was asked for a model that it does not list.`);
    const { abortSignal } = call;
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    // Nobody may be waiting when it comes.
    aborted.catch(() => {});
    let reader: ReadableStreamDefaultReader<StreamPart> | null = null;
    // Not every provider listens to the signal: cancelling ends the read that waits.
    const onAbort = (): void => {
      reject(abortSignal.reason);
      reader?.cancel().catch(() => {});
    };
    abortSignal.addEventListener('abort', onAbort, { once: true });
    try {
      const { stream } = await Promise.race([found.doStream(call), aborted]);
      reader = stream.getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
      abortSignal.throwIfAborted();
    } finally {
      abortSignal.removeEventListener('abort', onAbort);
      reader?.cancel().catch(() => {});
    }
  }
}

/** Texts of the settings that must not get into a message. */
function secretsIn(settings: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    if (typeof value === 'object' && value !== null) return secretsIn(value as Record<string, unknown>);
    return typeof value === 'string' && /key|token|secret|password|auth/i.test(name) ? [value] : [];
  });
}
