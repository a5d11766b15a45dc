/** A `fetch` for SDKs: their calls of the Responses API travel over one socket, and say only what is new. */
import { traitsOf } from '../endpoint.ts';
import { processMemory } from '../network-memory.ts';
import type { ConnectOptions } from '../options.ts';
import { toFetchError, toJsonAnswer, toStreamAnswer } from './answer.ts';
import { parseResponsesCall } from './responses-call.ts';
import type { ResponsesCall } from './responses-call.ts';
import { Session } from './session.ts';

/** What may be different; the address and the headers come with each call. */
export interface FetchOptions extends Omit<ConnectOptions, 'baseUrl' | 'apiKey' | 'headers' | 'fallback' | 'signal'> {
  /** Turns of one client side by side; 32, or 8 at a server where each takes a socket of its own. More wait. */
  readonly maxLanes?: number;
  /** A socket that carried no turn for so long is closed, so that the process can end; 5 s. `Infinity`: not before `close`. */
  readonly idleMs?: number;
}

/** A `fetch`, and the sockets behind it. */
export interface SocketFetch {
  (input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** Closes all sockets and ends the turns that run. A later call opens another one. */
  close(): void;
}

/** The SDK tries again by itself. */
const retry = { attempts: 2 };

/**
 * Makes a `fetch` for `new OpenAI({ fetch })`, `createOpenAI({ fetch })` and others. A `POST …/responses` with a JSON text travels
 * over a WebSocket, shared by calls with the same address and headers; of a history that was sent before, only what is new. Its
 * answer is the `Response` that HTTP would have given, with the header `longwire-transport: websocket`. All other calls,
 * `background: true`, and those that no socket can be opened for go over HTTP untouched.
 *
 * Rejects as `fetch` does: with a `TypeError` whose `cause` says more, such as a `ConnectionLostError`, or with the reason of the
 * signal. Throws a `TypeError` for options that cannot be.
 */
export function createFetch(options: FetchOptions = {}): SocketFetch {
  const { maxLanes, idleMs = 5_000, ...rest } = options;
  if (maxLanes !== undefined && !(maxLanes >= 1)) throw new TypeError('maxLanes must be a number from 1.');
  if (!(idleMs >= 0)) throw new TypeError('idleMs must be a number from 0.');
  const memory = options.networkMemory ?? processMemory;
  const overHttp = options.fetch ?? ((...call: Parameters<typeof fetch>) => fetch(...call));
  const sessions = new Map<string, Session>();

  function sessionOf({ baseUrl, headers }: ResponsesCall): Session {
    const key = JSON.stringify([baseUrl, headers]);
    const known = sessions.get(key);
    if (known) return known;
    const session = new Session({
      connection: { ...rest, retry: { ...retry, ...rest.retry }, baseUrl, headers, fallback: 'never' },
      maxLanes: maxLanes ?? (traitsOf(new URL(baseUrl).hostname).hasLanes ? 32 : 8),
      idleMs,
      onEnd: (ended) => {
        if (sessions.get(key) === ended) sessions.delete(key);
      },
    });
    sessions.set(key, session);
    return session;
  }

  async function answer(call: ResponsesCall, session: Session): Promise<Response | null> {
    try {
      const turn = await session.begin(call);
      return turn && (call.isStreamed ? toStreamAnswer(turn) : await toJsonAnswer(turn));
    } catch (error) {
      throw toFetchError(error, call.signal);
    }
  }

  async function socketFetch(...[input, init]: Parameters<SocketFetch>): Promise<Response> {
    const call = parseResponsesCall(input, init);
    if (!call) return overHttp(input, init);
    const { origin } = new URL(call.baseUrl);
    if (memory.hasNoSockets(origin)) return overHttp(input, init);
    const session = sessionOf(call);
    const answered = await unlessAborted(call.signal, answer(call, session));
    if (answered) return answered;
    const response = await overHttp(input, init);
    // The same wall would be met by the next call. Where credentials are wrong or the server is ill, there may be none.
    const isWall = !session.hasOpened && response.status < 500 && response.status !== 401 && response.status !== 403;
    if (isWall) memory.setNoSockets(origin);
    return response;
  }

  const close = () => {
    for (const session of sessions.values()) session.close();
  };
  return Object.assign(socketFetch, { close });
}

/** Rejects with the reason of the signal as soon as there is one. */
async function unlessAborted<Value>(signal: AbortSignal | null, promise: Promise<Value>): Promise<Value> {
  if (!signal) return promise;
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
