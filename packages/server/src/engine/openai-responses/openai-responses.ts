/**
 * The engine that stands in front of a server which speaks Responses itself: OpenAI, xAI, Azure, another Longwire.
 *
 * Over WebSocket a chain has a lane of an upstream socket to itself: the upstream keeps the lane's newest response, and a turn sends
 * only what came after it. When the upstream has forgotten it (a cut, its age limit, a fork) the chain is told again out of
 * our own bytes, and the client sees nothing but fewer cached tokens. Where WebSocket is refused, every turn tells the whole
 * chain over HTTP, from the same bytes.
 */
import { toTraceHeaders } from '@longwire/protocol';
import type { Engine, EngineEvent, EngineUsage, GenerateRequest } from '../engine.ts';
import { elementBytesSince, emptyList } from '../http/encoded-list.ts';
import { UpstreamErrors } from '../http/errors.ts';
import type { UpstreamReply, UpstreamTimeouts } from '../http/exchange.ts';
import { ModelList } from '../http/models.ts';
import { Upstream } from '../http/upstream.ts';
import { extendContext, type ResponsesContext } from './context.ts';
import { LanePool } from './lane-pool.ts';
import { toRequestBody, type BodyOptions } from './request.ts';
import { HandshakeRefused } from './socket.ts';
import { SocketTurns } from './socket-turns.ts';
import { SseEvents } from './sse-events.ts';
import { ResponseDecoder } from './stream.ts';
import { vendorOf } from './vendors.ts';

/** What an upstream needs to be known by; everything else has a default that suits its vendor. */
export interface OpenAIResponsesOptions extends Partial<UpstreamTimeouts>, Partial<BodyOptions> {
  /** Unique in the process. Errors name it to clients. */
  readonly name: string;
  /** The address above `/responses`, such as `http://host:port/v1`. */
  readonly baseUrl: string;
  /** Sent as a bearer token. */
  readonly apiKey?: string | null;
  /** Sent with every request and handshake. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The models to serve, for upstreams that cannot list them. Default: what GET /models says. */
  readonly models?: readonly string[];
  /** How long that list is believed. Milliseconds. */
  readonly modelsTtlMs?: number;
  /** `auto` takes WebSocket where the upstream does, and HTTP where it does not. */
  readonly transport?: 'auto' | 'websocket' | 'sse';
  /** Lanes of one socket, 1 for upstreams without `stream_id`. Default: as known of the vendor, or found out. */
  readonly lanes?: number;
  readonly maxSockets?: number;
  /** Age from which a socket takes no further turn. Milliseconds. Default: as known of the vendor. */
  readonly lifetimeMs?: number;
  readonly pingIntervalMs?: number;
  /** Whether the upstream knows `response.cancel`, as Longwire does. */
  readonly acceptsCancel?: boolean;
  /** How long `auto` stays with HTTP after WebSocket was refused. Milliseconds. */
  readonly refusalTtlMs?: number;
  /** Unix time in milliseconds. */
  readonly now?: () => number;
}

const maxErrorBytes = 64 * 1024;
const maxWholeAnswerBytes = 64 * 1024 * 1024;

/** An engine for one upstream. No connection is opened before the first question. Throws a `TypeError` for a base URL that is none. */
export function createOpenAIResponsesEngine(options: OpenAIResponsesOptions): Engine<ResponsesContext> {
  return new OpenAIResponsesEngine(options);
}

class OpenAIResponsesEngine implements Engine<ResponsesContext> {
  readonly name: string;
  readonly #errors: UpstreamErrors;
  readonly #upstream: Upstream;
  readonly #models: ModelList;
  readonly #body: BodyOptions;
  readonly #sockets: SocketTurns;
  readonly #transport: 'auto' | 'websocket' | 'sse';
  readonly #refusalTtlMs: number;
  readonly #now: () => number;
  #httpUntilMs = 0;

  constructor(options: OpenAIResponsesOptions) {
    const { name, baseUrl, apiKey = null, headers = {} } = options;
    const timeouts: UpstreamTimeouts = {
      connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
      firstByteTimeoutMs: options.firstByteTimeoutMs ?? 600_000,
      stallTimeoutMs: options.stallTimeoutMs ?? 120_000,
    };
    this.name = name;
    this.#now = options.now ?? Date.now;
    this.#transport = options.transport ?? 'auto';
    this.#refusalTtlMs = options.refusalTtlMs ?? 600_000;
    this.#errors = new UpstreamErrors(name, apiKey === null ? [] : [apiKey]);
    this.#upstream = new Upstream({ baseUrl, apiKey, headers, ...timeouts }, this.#errors);
    this.#models = new ModelList(this.#upstream, this.#errors, {
      names: options.models ?? [],
      ttlMs: options.modelsTtlMs ?? 30_000,
      now: this.#now,
    });
    this.#body = { extraFields: options.extraFields ?? {}, omittedFields: options.omittedFields ?? [] };
    const vendor = vendorOf(baseUrl);
    const acceptsCancel = options.acceptsCancel ?? false;
    const pool = new LanePool(
      {
        socket: {
          url: toSocketUrl(baseUrl),
          headers: {
            'user-agent': 'longwire',
            ...(apiKey !== null && { authorization: `Bearer ${apiKey}` }),
            ...headers,
          },
          connectTimeoutMs: timeouts.connectTimeoutMs,
          lifetimeMs: options.lifetimeMs ?? vendor.lifetimeMs,
          pingIntervalMs: options.pingIntervalMs ?? 20_000,
        },
        timeouts,
        lanes: options.lanes ?? vendor.lanes,
        maxSockets: options.maxSockets ?? 32,
        acceptsCancel,
      },
      this.#errors,
    );
    this.#sockets = new SocketTurns(pool, { errors: this.#errors, body: this.#body, acceptsCancel });
  }

  models(): ReturnType<Engine['models']> {
    return this.#models.list();
  }

  extend(parent: ResponsesContext | null, items: Parameters<Engine['extend']>[1]): ResponsesContext {
    return extendContext(parent, items);
  }

  async *generate(
    request: GenerateRequest<ResponsesContext>,
    signal: AbortSignal,
  ): AsyncGenerator<readonly EngineEvent[], void, undefined> {
    signal.throwIfAborted();
    const decoder = new ResponseDecoder({
      errors: this.#errors,
      model: request.model,
      sealedReasoning: request.requested.include?.includes('reasoning.encrypted_content') ?? false,
    });
    if (this.#takesSockets()) {
      try {
        yield* this.#sockets.run(request, decoder, signal);
        return;
      } catch (error) {
        if (!(error instanceof HandshakeRefused)) throw error;
        this.#onRefused(error, request.model);
      }
    }
    yield* this.#overHttp(request, decoder, signal);
  }

  /** The upstream takes the chain up without an answer, where it can: over a socket (dossier G). */
  async warm(request: GenerateRequest<ResponsesContext>, signal: AbortSignal): Promise<EngineUsage> {
    signal.throwIfAborted();
    if (!this.#takesSockets()) return nothing;
    try {
      return await this.#sockets.warm(request, signal);
    } catch (error) {
      if (!(error instanceof HandshakeRefused)) throw error;
      this.#onRefused(error, request.model);
      return nothing;
    }
  }

  text({ history }: ResponsesContext, since: ResponsesContext | null): Buffer[] {
    return elementBytesSince(history, since?.history ?? emptyList);
  }

  release(context: ResponsesContext): void {
    this.#sockets.release(context);
  }

  async close(): Promise<void> {
    this.#sockets.close();
    this.#upstream.close();
  }

  #takesSockets(): boolean {
    return this.#transport !== 'sse' && this.#now() >= this.#httpUntilMs;
  }

  /** Throws what the refusal means, unless HTTP may be tried in place of WebSocket. */
  #onRefused({ status, headers, body }: HandshakeRefused, model: string): void {
    const isFinal = status === 401 || status === 403 || status === 429;
    if (isFinal || this.#transport === 'websocket') throw this.#errors.fromReply({ status, headers, body }, model);
    // A 5xx is of this moment; anything else says that there is no WebSocket here.
    if (status < 500) this.#httpUntilMs = this.#now() + this.#refusalTtlMs;
  }

  async *#overHttp(
    request: GenerateRequest<ResponsesContext>,
    decoder: ResponseDecoder,
    signal: AbortSignal,
  ): AsyncGenerator<readonly EngineEvent[], void, undefined> {
    const body = toRequestBody(request, null, { stream: true }, this.#body);
    const reply = await this.#upstream.post('/responses', body, toTraceHeaders(request.trace), signal);
    if (reply.status !== 200) {
      const failed = { status: reply.status, headers: reply.headers, body: await reply.text(maxErrorBytes) };
      throw this.#errors.fromReply(failed, request.model);
    }
    const isStream = !reply.headers['content-type']?.startsWith('application/json');
    const batches = isStream ? readStream(reply, decoder, this.#errors) : readWhole(reply, decoder);
    for await (const batch of batches) {
      // Before the last event goes out: the chain goes on from there at once.
      if (decoder.done) request.context.answer = { items: decoder.items, kept: null };
      yield batch;
    }
    if (decoder.failure) throw decoder.failure;
    if (!decoder.done) throw this.#errors.brokenStream('ended its answer too early');
  }
}

async function* readStream(
  reply: UpstreamReply,
  decoder: ResponseDecoder,
  errors: UpstreamErrors,
): AsyncGenerator<readonly EngineEvent[], void, undefined> {
  const stream = new SseEvents(errors);
  for await (const chunk of reply.chunks()) {
    const events = decoder.push(stream.push(chunk));
    if (decoder.done) reply.drain();
    if (events.length > 0) yield events;
    if (decoder.done || decoder.failure) return;
  }
}

async function* readWhole(
  reply: UpstreamReply,
  decoder: ResponseDecoder,
): AsyncGenerator<readonly EngineEvent[], void, undefined> {
  yield decoder.pushWhole(await reply.text(maxWholeAnswerBytes));
}

const nothing: EngineUsage = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };

function toSocketUrl(baseUrl: string): string {
  const url = new URL(baseUrl);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/responses`;
  return url.href;
}
