/** Turns over HTTP with server-sent events, where no socket opens: a request each, the rest as over a socket. */
import type { ServerEvent } from '@longwire/protocol';
import { createCarrierId, parseEvent } from './carrier.ts';
import type { Carrier, KeySupport, Passenger, Sending } from './carrier.ts';
import type { ConnectionLoss } from './errors.ts';
import { readSse } from './sse-reader.ts';

/** How requests are made. */
export interface HttpOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof fetch;
  /** What `fetch` takes besides the standard, such as a dispatcher; empty on most platforms. */
  readonly init: object;
  /** Whether the server may be a Longwire. */
  readonly mayBeLongwire: () => boolean;
}

/** The connection was refused, or no such host is known: nothing was sent. */
const notReached: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'ConnectionRefused',
]);

/** One for all lanes of a connection: each request is on its own. */
export class HttpCarrier implements Carrier {
  readonly id = createCarrierId();
  readonly kind = 'http';
  readonly hasLanes = false;
  readonly canCancel = false;
  readonly #options: HttpOptions;
  readonly #exchanges = new Map<Passenger, AbortController>();
  #isIdempotent = false;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  get keys(): KeySupport {
    if (!this.#options.mayBeLongwire()) return 'ignored';
    return this.#isIdempotent ? 'honoured' : 'unknown';
  }

  /** It says so with its answers only. */
  settleKeys(): Promise<KeySupport> {
    return Promise.resolve(this.#isIdempotent ? 'honoured' : 'ignored');
  }

  send(passenger: Passenger, text: string): Sending {
    this.release(passenger);
    const exchange = new AbortController();
    this.#exchanges.set(passenger, exchange);
    const sending = { hasLeft: true, prove: () => {} };
    void this.#exchange(passenger, text, exchange.signal, sending);
    return sending;
  }

  revive(): boolean {
    return false;
  }

  retire(): void {
    for (const passenger of this.#exchanges.keys()) this.release(passenger);
  }

  /** Ends the request of this lane, and with it the server's work on it. */
  release(passenger: Passenger): void {
    this.#exchanges.get(passenger)?.abort();
    this.#exchanges.delete(passenger);
  }

  async #exchange(
    passenger: Passenger,
    body: string,
    signal: AbortSignal,
    sending: { hasLeft: boolean },
  ): Promise<void> {
    const { url, headers, init } = this.#options;
    let loss: ConnectionLoss = { code: 1006, reason: 'the answer ended before the turn', cause: null };
    try {
      const response = await this.#options.fetch(url, {
        ...init,
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', accept: 'text/event-stream' },
        body,
        signal,
      });
      if (response.headers.get('longwire-idempotency') === '1') this.#isIdempotent = true;
      if (response.ok) {
        for await (const data of readSse(response.body ?? new ReadableStream())) {
          const event = parseEvent(data);
          if (event) this.#deliver(passenger, signal, event, data.length);
        }
      } else {
        const error = await toErrorEvent(response);
        if (error) return this.#deliver(passenger, signal, error, 0);
        loss = { code: 1006, reason: `a gateway answered with ${response.status}`, cause: null };
      }
    } catch (error) {
      if (notReached.has(codeOf(error))) sending.hasLeft = false;
      loss = { code: 1006, reason: '', cause: error instanceof Error ? error : null };
    }
    // After the terminal event the lane has released this request.
    if (!signal.aborted) passenger.lose(loss, false);
  }

  #deliver(passenger: Passenger, signal: AbortSignal, event: ServerEvent, bytes: number): void {
    if (!signal.aborted) passenger.receive(event, bytes);
  }
}

/**
 * An HTTP error as the event that it would have been on a socket (dossier J.1). Null for a failure that is not told as the API
 * does: a gateway does not know what became of the request behind it.
 */
async function toErrorEvent(response: Response): Promise<ServerEvent | null> {
  const body: unknown = await response.json().catch(() => null);
  const given = typeof body === 'object' && body !== null && 'error' in body ? body.error : null;
  const isTold = typeof given === 'object' && given !== null;
  if (!isTold && response.status >= 500) return null;
  const error = isTold ? given : {};
  const retryAfter = response.headers.get('retry-after');
  return {
    type: 'error',
    status: response.status,
    error: {
      type: 'invalid_request_error',
      code: null,
      message: `The server answered with ${response.status}.`,
      param: null,
      ...error,
      ...(retryAfter !== null && { headers: { 'retry-after': retryAfter } }),
    },
  };
}

function codeOf(error: unknown): unknown {
  const cause = error instanceof Error ? (error.cause ?? error) : null;
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : null;
}
