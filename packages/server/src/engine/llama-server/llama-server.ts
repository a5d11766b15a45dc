/**
 * The engine that stands in front of llama.cpp's llama-server and speaks token ids with it: a turn renders and encodes its delta, and
 * each chain is held on a slot of its own, so that the server evaluates the delta only (engines dossier 4 and 6).
 */
import { basename } from 'node:path';
import { ProtocolError, errors } from '@longwire/protocol';
import type { Item } from '@longwire/protocol';
import type { Engine, EngineEvent, EngineModel, EngineUsage, GenerateRequest } from '../engine.ts';
import { UpstreamErrors } from '../http/errors.ts';
import type { UpstreamTimeouts } from '../http/exchange.ts';
import { ModelList } from '../http/models.ts';
import { Upstream } from '../http/upstream.ts';
import { abortable } from '../token-chain/abortable.ts';
import { extendContext } from '../token-chain/context.ts';
import type { TokenContext } from '../token-chain/context.ts';
import { LlamaServerApi } from './api.ts';
import { generate, warm } from './generate.ts';
import { createRuntime, toFingerprint } from './runtime.ts';
import type { Runtime } from './runtime.ts';

/** Where the server is. */
export interface LlamaServerOptions extends Partial<UpstreamTimeouts> {
  /** Unique in the process. Errors name it to clients. */
  readonly name: string;
  /** The address of the server itself, such as `http://host:8080`; a `/v1` at its end is left out. */
  readonly baseUrl: string;
  /** Sent as a bearer token. */
  readonly apiKey?: string | null;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The name of the model, where it is not to be the server's own. */
  readonly models?: readonly string[];
  /** A Jinja chat template instead of the one that the server has. */
  readonly chatTemplate?: string | null;
}

const modelsTtlMs = 30_000;

/** An engine for one llama-server. No connection is opened before the first question. Throws a `TypeError` for a base URL that is none. */
export function createLlamaServerEngine(options: LlamaServerOptions): Engine<TokenContext> {
  return new LlamaServerEngine(options);
}

class LlamaServerEngine implements Engine<TokenContext> {
  readonly name: string;
  readonly #upstream: Upstream;
  readonly #api: LlamaServerApi;
  readonly #models: ModelList;
  readonly #chatTemplate: string | null;
  readonly #closing = new AbortController();
  #runtime: Runtime | null = null;
  /** The question that is under way; null when the last answer holds. */
  #asking: Promise<Runtime> | null = null;
  #modelName = 'model';

  constructor(options: LlamaServerOptions) {
    const apiKey = options.apiKey ?? null;
    this.name = options.name;
    const upstreamErrors = new UpstreamErrors(options.name, apiKey === null ? [] : [apiKey]);
    this.#upstream = new Upstream(
      {
        baseUrl: options.baseUrl.replace(/\/v1\/?$/, ''),
        apiKey,
        headers: options.headers ?? {},
        connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
        firstByteTimeoutMs: options.firstByteTimeoutMs ?? 600_000,
        stallTimeoutMs: options.stallTimeoutMs ?? 120_000,
      },
      upstreamErrors,
    );
    this.#api = new LlamaServerApi(this.#upstream, upstreamErrors, () => this.#modelName);
    const names = options.models ?? [];
    this.#models = new ModelList(this.#upstream, upstreamErrors, { names, ttlMs: modelsTtlMs, now: Date.now });
    this.#chatTemplate = options.chatTemplate ?? null;
  }

  async models(): Promise<readonly EngineModel[]> {
    const models = await this.#models.list();
    return models.map((model) => ({ ...model, id: toModelName(model.id) }));
  }

  extend(parent: TokenContext | null, items: readonly Item[]): TokenContext {
    return extendContext(parent, items);
  }

  async *generate(
    request: GenerateRequest<TokenContext>,
    aborted: AbortSignal,
  ): AsyncGenerator<readonly EngineEvent[], void> {
    const signal = AbortSignal.any([aborted, this.#closing.signal]);
    this.#modelName = request.model;
    try {
      const { generator, prompts } = await abortable(this.#ask(), signal);
      const prompt = await abortable(prompts.build(request, true), signal);
      yield* generate(generator, request, prompt, signal);
    } catch (error) {
      this.#doubt(error);
      throw error;
    }
  }

  async warm(request: GenerateRequest<TokenContext>, aborted: AbortSignal): Promise<EngineUsage> {
    const signal = AbortSignal.any([aborted, this.#closing.signal]);
    const { generator, prompts } = await abortable(this.#ask(), signal);
    const prompt = await abortable(prompts.build(request, false), signal);
    const cachedTokens = Math.min(prompt.length, generator.pool.cached(prompt.span));
    // A warm-up that fails costs time only: the generation evaluates what is missing, and fails visibly if it must.
    if (prompt.length > cachedTokens) warm(generator, request, prompt, this.#closing.signal).catch(() => {});
    return { inputTokens: prompt.length, cachedTokens, outputTokens: 0, reasoningTokens: 0 };
  }

  async count(request: GenerateRequest<TokenContext>, aborted: AbortSignal): Promise<number> {
    const { prompts } = await abortable(this.#ask(), aborted);
    return (await abortable(prompts.build(request, true), aborted)).length;
  }

  release(context: TokenContext): void {
    context.release();
  }

  async close(): Promise<void> {
    this.#closing.abort(errors.engineUnavailable(`The engine '${this.name}' is being closed.`));
    await this.#runtime?.generator.pool.drain();
    this.#upstream.close();
  }

  /** The server as it is known; asked again after a failure, since it may have come back with another model. */
  #ask(): Promise<Runtime> {
    this.#asking ??= this.#find().catch((error: unknown) => {
      this.#asking = null;
      throw error;
    });
    return this.#asking;
  }

  async #find(): Promise<Runtime> {
    const props = await this.#api.props();
    if (this.#runtime?.fingerprint !== toFingerprint(props))
      this.#runtime = await createRuntime(this.#api, props, this.#chatTemplate);
    return this.#runtime;
  }

  /** A failure that is not the request's own fault: what is known of the server may be out of date. */
  #doubt(error: unknown): void {
    if (!(error instanceof ProtocolError) || error.retryable || error.entry === 'invalid_request') this.#asking = null;
  }
}

/** The server's name for its model is its path, unless it was given an alias. */
function toModelName(id: string): string {
  return id.endsWith('.gguf') ? basename(id, '.gguf') : id;
}
