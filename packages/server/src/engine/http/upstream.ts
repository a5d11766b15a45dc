/** HTTP towards the upstream: kept connections, and headers made once. `fetch` costs four times as much. */
import http from 'node:http';
import https from 'node:https';
import type { UpstreamErrors } from './errors.ts';
import { Exchange, type Call, type UpstreamReply, type UpstreamTimeouts } from './exchange.ts';

/** Where the upstream is and how it knows us. */
export interface UpstreamOptions extends UpstreamTimeouts {
  /** Such as `http://host:port/v1`. A user and password in it become basic authorization. */
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** One server of a model. */
export class Upstream {
  readonly #base: URL;
  readonly #errors: UpstreamErrors;
  readonly #options: UpstreamOptions;
  readonly #agent: http.Agent;
  readonly #request: typeof http.request;
  readonly #headers: readonly string[];

  constructor(options: UpstreamOptions, errors: UpstreamErrors) {
    this.#options = options;
    this.#errors = errors;
    this.#base = new URL(options.baseUrl);
    const secure = this.#base.protocol === 'https:';
    const pool = { keepAlive: true, scheduling: 'lifo' } as const;
    this.#agent = secure ? new https.Agent(pool) : new http.Agent(pool);
    this.#request = secure ? https.request : http.request;
    this.#headers = toRawHeaders(this.#base, options);
  }

  /** GET of a path below the base URL, such as `/models`. No prompt stands between it and its answer. */
  get(path: string): Promise<UpstreamReply> {
    const { connectTimeoutMs } = this.#options;
    const timeouts = { connectTimeoutMs, firstByteTimeoutMs: connectTimeoutMs, stallTimeoutMs: connectTimeoutMs };
    return this.#send({ method: 'GET', path, headers: [], body: [], timeouts, signal: null });
  }

  /** POST of a JSON body that is already encoded. The buffers are written as they are and must not change. */
  post(
    path: string,
    body: readonly Uint8Array[],
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<UpstreamReply> {
    const length = body.reduce((sum, each) => sum + each.byteLength, 0);
    const own = [
      'content-type',
      'application/json',
      'content-length',
      String(length),
      ...Object.entries(headers).flat(),
    ];
    return this.#send({ method: 'POST', path, headers: own, body, timeouts: this.#options, signal });
  }

  /** Ends idle connections. */
  close(): void {
    this.#agent.destroy();
  }

  async #send(call: Call): Promise<UpstreamReply> {
    const open = (agent: http.Agent | false): Exchange => {
      const request = this.#request({
        protocol: this.#base.protocol,
        hostname: this.#base.hostname.replace(/^\[|\]$/g, ''),
        port: this.#base.port,
        path: this.#base.pathname.replace(/\/+$/, '') + call.path,
        method: call.method,
        agent,
        headers: [...this.#headers, ...call.headers],
      });
      return new Exchange(request, call, this.#errors);
    };
    const first = open(this.#agent);
    try {
      return await first.head();
    } catch (error) {
      // The server had closed a kept connection before it read this request: once more, on a connection of its own.
      if (!first.wasStale) throw error;
      return open(false).head();
    }
  }
}

function toRawHeaders(base: URL, options: UpstreamOptions): string[] {
  const headers: Record<string, string> = {
    host: base.host,
    accept: 'text/event-stream, application/json',
    'user-agent': 'longwire',
  };
  if (base.username !== '' || base.password !== '') {
    const credentials = `${decodeURIComponent(base.username)}:${decodeURIComponent(base.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
  }
  if (options.apiKey !== null) headers['authorization'] = `Bearer ${options.apiKey}`;
  for (const [name, value] of Object.entries(options.headers)) headers[name.toLowerCase()] = value;
  return Object.entries(headers).flat();
}
