/**
 * The engine that stands in front of any `/v1/chat/completions` server (llama-server, vLLM, SGLang, Ollama, LM Studio, hosted ones).
 *
 * Its context is the chain's messages as encoded bytes (context.ts): a turn encodes its new items, writes the bytes of all earlier
 * ones as they are, and sends the same prefix byte for byte, so that the upstream's prompt cache finds it again.
 */
import { hash, randomUUID } from 'node:crypto';
import { toTraceHeaders } from '@longwire/protocol';
import type { Engine, EngineEvent, GenerateRequest } from '../engine.ts';
import { createContext, extendContext, messageBytesSince, type ChatContext } from './context.ts';
import { UpstreamErrors } from '../http/errors.ts';
import type { UpstreamReply, UpstreamTimeouts } from '../http/exchange.ts';
import { Upstream } from '../http/upstream.ts';
import type { Dialect } from '../chat/messages.ts';
import { ModelList } from '../http/models.ts';
import { toRequestBody, type BodyOptions } from './request.ts';
import { ChatStreamDecoder } from './stream.ts';
import { toToolTable } from '../chat/tools.ts';

/** What an upstream needs to be known by; everything else has a default that suits most servers. */
export interface OpenAIChatOptions extends Partial<UpstreamTimeouts>, Partial<Dialect>, Partial<BodyOptions> {
  /** Unique in the process. Errors name it to clients. */
  readonly name: string;
  /** The address above `/chat/completions`, such as `http://host:port/v1`. */
  readonly baseUrl: string;
  /** Sent as a bearer token. */
  readonly apiKey?: string | null;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The models to serve, for upstreams that cannot list them. Default: what GET /models says. */
  readonly models?: readonly string[];
  /** How long that list is believed. Milliseconds. */
  readonly modelsTtlMs?: number;
  /** Header that is the same for all turns of a conversation, for balancers in front of several servers. Null for none. */
  readonly affinityHeader?: string | null;
  /** Unix time in milliseconds. */
  readonly now?: () => number;
}

const maxErrorBytes = 64 * 1024;
const maxWholeAnswerBytes = 16 * 1024 * 1024;

/** An engine for one upstream. No connection is opened before the first question. Throws a `TypeError` for a base URL that is none. */
export function createOpenAIChatEngine(options: OpenAIChatOptions): Engine<ChatContext> {
  return new OpenAIChatEngine(options);
}

class OpenAIChatEngine implements Engine<ChatContext> {
  readonly name: string;
  readonly #errors: UpstreamErrors;
  readonly #upstream: Upstream;
  readonly #models: ModelList;
  readonly #dialect: Dialect;
  readonly #body: BodyOptions;
  readonly #affinityHeader: string | null;

  constructor(options: OpenAIChatOptions) {
    const apiKey = options.apiKey ?? null;
    this.name = options.name;
    this.#errors = new UpstreamErrors(options.name, apiKey === null ? [] : [apiKey]);
    this.#upstream = new Upstream(
      {
        baseUrl: options.baseUrl,
        apiKey,
        headers: options.headers ?? {},
        connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
        firstByteTimeoutMs: options.firstByteTimeoutMs ?? 600_000,
        stallTimeoutMs: options.stallTimeoutMs ?? 120_000,
      },
      this.#errors,
    );
    this.#models = new ModelList(this.#upstream, this.#errors, {
      names: options.models ?? [],
      ttlMs: options.modelsTtlMs ?? 30_000,
      now: options.now ?? Date.now,
    });
    this.#dialect = {
      developerRole: options.developerRole ?? 'system',
      reasoningField: options.reasoningField === undefined ? 'reasoning_content' : options.reasoningField,
    };
    this.#body = {
      maxTokensField: options.maxTokensField ?? 'max_tokens',
      extraFields: options.extraFields ?? {},
      omittedFields: options.omittedFields ?? [],
    };
    this.#affinityHeader = options.affinityHeader === undefined ? 'x-session-affinity' : options.affinityHeader;
  }

  models(): ReturnType<Engine['models']> {
    return this.#models.list();
  }

  extend(parent: ChatContext | null, items: Parameters<Engine['extend']>[1]): ChatContext {
    return extendContext(parent ?? createContext(randomUUID()), items, this.#dialect);
  }

  text(context: ChatContext, since: ChatContext | null): Buffer[] {
    return messageBytesSince(context, since);
  }

  async *generate(
    request: GenerateRequest<ChatContext>,
    signal: AbortSignal,
  ): AsyncGenerator<readonly EngineEvent[], void, undefined> {
    signal.throwIfAborted();
    const table = toToolTable(request.preamble.tools);
    const body = toRequestBody(request, table, this.#body);
    const reply = await this.#upstream.post('/chat/completions', body, this.#headers(request), signal);
    if (reply.status !== 200) {
      const failed = { status: reply.status, headers: reply.headers, body: await reply.text(maxErrorBytes) };
      throw this.#errors.fromReply(failed, request.model);
    }
    const { parallel_tool_calls: parallelCalls } = request.settings;
    const decoder = new ChatStreamDecoder(table, this.#errors, request.model, parallelCalls);
    const isStream = !reply.headers['content-type']?.startsWith('application/json');
    yield* isStream ? this.#stream(reply, decoder) : this.#whole(reply, decoder);
    if (decoder.failure) throw decoder.failure;
  }

  /** Nothing to do: what no context refers to any more is collected. */
  release(): void {}

  async close(): Promise<void> {
    this.#upstream.close();
  }

  async *#stream(reply: UpstreamReply, decoder: ChatStreamDecoder): AsyncGenerator<readonly EngineEvent[]> {
    try {
      for await (const chunk of reply.chunks()) {
        const events = decoder.push(chunk);
        if (decoder.done) reply.drain();
        if (events.length > 0) yield events;
        if (decoder.done || decoder.failure) return;
      }
    } catch (error) {
      // The answer was whole but for its usage: a connection that is cut then has cost nothing.
      if (!decoder.finished) throw error;
    }
    const events = decoder.finish();
    if (events.length > 0) yield events;
  }

  async *#whole(reply: UpstreamReply, decoder: ChatStreamDecoder): AsyncGenerator<readonly EngineEvent[]> {
    const events = decoder.pushWhole(await reply.text(maxWholeAnswerBytes));
    yield [...events, ...decoder.finish()];
  }

  /** The trace; and the same value for every turn of a conversation, which tells nothing of who has it. */
  #headers({ context, requested, trace }: GenerateRequest<ChatContext>): Record<string, string> {
    const headers = toTraceHeaders(trace);
    if (this.#affinityHeader !== null) {
      headers[this.#affinityHeader] = hash('sha256', requested.prompt_cache_key ?? context.root).slice(0, 32);
    }
    return headers;
  }
}
