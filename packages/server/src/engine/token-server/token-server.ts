/**
 * An engine in front of a server that takes token ids: a turn renders and encodes its delta, and what the server keeps of the ids before
 * it need not be evaluated again (engines dossier 4 and 6). What differs between servers is behind {@link TokenServer}.
 */
import { ProtocolError, errors } from '@longwire/protocol';
import type { Item } from '@longwire/protocol';
import type { EngineReading, SequencesReading } from '../../observe/snapshot.ts';
import type { Engine, EngineEvent, EngineModel, EngineUsage, GenerateRequest } from '../engine.ts';
import { UpstreamErrors } from '../http/errors.ts';
import type { UpstreamTimeouts } from '../http/exchange.ts';
import { ModelList } from '../http/models.ts';
import { Upstream } from '../http/upstream.ts';
import { abortable } from '../token-chain/abortable.ts';
import { extendContext } from '../token-chain/context.ts';
import type { TokenContext } from '../token-chain/context.ts';
import type { Prompt, PromptBuilder } from '../token-chain/prompt.ts';
import { ServerCalls } from './calls.ts';

/** Where the server is. */
export interface TokenServerOptions extends Partial<UpstreamTimeouts> {
  /** Unique in the process. Errors name it to clients. */
  readonly name: string;
  /** The address of the server itself, such as `http://host:8080`; a `/v1` at its end is left out. */
  readonly baseUrl: string;
  /** Sent as a bearer token. */
  readonly apiKey?: string | null;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The names of the models, where they are not to be the server's own. */
  readonly models?: readonly string[];
  /** A Jinja chat template instead of the one that the server has. */
  readonly chatTemplate?: string | null;
  /** Makes sampling repeatable, as far as the server can; a fresh one each time where it is left out. */
  readonly seed?: number | null;
}

/** A server that is known. */
export interface TokenServer {
  readonly prompts: PromptBuilder;
  /** Equal as long as the server runs the same model in the same way. */
  readonly fingerprint: string;
  /** As `Engine.generate`, of a prompt. */
  generate(
    request: GenerateRequest<TokenContext>,
    prompt: Prompt,
    signal: AbortSignal,
  ): AsyncIterable<readonly EngineEvent[]>;
  /**
   * Evaluates a prompt ahead of its turn. Answers with the tokens of it that were evaluated before, as soon as that is known; the rest may
   * go on until `closing` aborts. Throws the signal's reason.
   */
  warm(
    request: GenerateRequest<TokenContext>,
    prompt: Prompt,
    signal: AbortSignal,
    closing: AbortSignal,
  ): Promise<number>;
  /** Its slots as we know them; left out of servers that have none. */
  reading?(): Omit<SequencesReading, 'name'>;
  /** Resolves when nothing of ours runs there. */
  drain(): Promise<void>;
}

/** One kind of server. */
export interface ServerKind {
  /** Where it lists its models. */
  readonly modelsPath: string;
  /** Its own name for a model, as clients should see it. */
  readonly toModelName?: (id: string) => string;
  /** Finds out what runs there. Answers `known`, the last answer, where that still holds. Throws catalogue errors. */
  find(calls: ServerCalls, known: TokenServer | null): Promise<TokenServer>;
}

const modelsTtlMs = 30_000;

/** An engine. No connection is opened before the first question. Throws a `TypeError` for a base URL that is none. */
export function createTokenServerEngine(kind: ServerKind, options: TokenServerOptions): Engine<TokenContext> {
  return new TokenServerEngine(kind, options);
}

class TokenServerEngine implements Engine<TokenContext> {
  readonly name: string;
  readonly #kind: ServerKind;
  readonly #upstream: Upstream;
  readonly #calls: ServerCalls;
  readonly #models: ModelList;
  readonly #closing = new AbortController();
  #server: TokenServer | null = null;
  /** The question that is under way; null when the last answer is in doubt. */
  #asking: Promise<TokenServer> | null = null;
  #modelName = 'model';

  constructor(kind: ServerKind, options: TokenServerOptions) {
    const apiKey = options.apiKey ?? null;
    this.name = options.name;
    this.#kind = kind;
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
    this.#calls = new ServerCalls(this.#upstream, upstreamErrors, () => this.#modelName);
    const list = { names: options.models ?? [], path: kind.modelsPath, ttlMs: modelsTtlMs, now: Date.now };
    this.#models = new ModelList(this.#upstream, upstreamErrors, list);
  }

  async models(): Promise<readonly EngineModel[]> {
    const models = await this.#models.list();
    const { toModelName } = this.#kind;
    return toModelName === undefined ? models : models.map((model) => ({ ...model, id: toModelName(model.id) }));
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
      const server = await abortable(this.#ask(), signal);
      const prompt = await abortable(server.prompts.build(request, true), signal);
      yield* server.generate(request, prompt, signal);
    } catch (error) {
      this.#doubt(error);
      throw error;
    }
  }

  async warm(request: GenerateRequest<TokenContext>, aborted: AbortSignal): Promise<EngineUsage> {
    const signal = AbortSignal.any([aborted, this.#closing.signal]);
    const server = await abortable(this.#ask(), signal);
    const prompt = await abortable(server.prompts.build(request, false), signal);
    const known = await abortable(server.warm(request, prompt, signal, this.#closing.signal), signal);
    const cachedTokens = Math.min(prompt.length, known);
    return { inputTokens: prompt.length, cachedTokens, outputTokens: 0, reasoningTokens: 0 };
  }

  async count(request: GenerateRequest<TokenContext>, aborted: AbortSignal): Promise<number> {
    const { prompts } = await abortable(this.#ask(), aborted);
    return (await abortable(prompts.build(request, true), aborted)).length;
  }

  reading(): EngineReading {
    const slots = this.#server?.reading?.();
    return { replicas: [], sequences: slots ? [{ name: this.name, ...slots }] : [] };
  }

  release(context: TokenContext): void {
    context.release();
  }

  async close(): Promise<void> {
    this.#closing.abort(errors.engineUnavailable(`The engine '${this.name}' is being closed.`));
    await this.#server?.drain();
    this.#upstream.close();
  }

  /** The server as it is known; asked again after a failure, since it may have come back with another model. */
  #ask(): Promise<TokenServer> {
    this.#asking ??= this.#find().catch((error: unknown) => {
      this.#asking = null;
      throw error;
    });
    return this.#asking;
  }

  async #find(): Promise<TokenServer> {
    return (this.#server = await this.#kind.find(this.#calls, this.#server));
  }

  /** A failure that is not the request's own fault: what is known of the server may be out of date. */
  #doubt(error: unknown): void {
    if (!(error instanceof ProtocolError) || error.retryable || error.entry === 'invalid_request') this.#asking = null;
  }
}
