/** What can be said about a connection, and what holds unless it is said. */
import type { SpillStore } from './chain-memory.ts';
import type { NetworkMemory } from './network-memory.ts';
import type { WebSocketFactory } from './socket.ts';
import type { ConnectionStatus } from './status.ts';

/** Time limits, in milliseconds. `Infinity` switches one off. */
export interface Timeouts {
  /** How long a socket may take to open; 15 s. */
  readonly connectMs: number;
  /** From sending a request to its first event, waiting for a place at the server included; 5 min. */
  readonly firstEventMs: number;
  /** Between two events of a turn; 5 min. Longwire sends one every 20 s at the latest. */
  readonly stallMs: number;
  /** From `create()` to the end of the turn, waiting and recovering included; no limit. */
  readonly totalMs: number;
}

/** How often and how fast to try again: `baseMs`, doubled each time up to `maxMs`, less up to a quarter at random. */
export interface RetryPolicy {
  /** How often a turn is sent again, and how often opening a socket is tried again, before giving up; 5. */
  readonly attempts: number;
  /** 500 ms. */
  readonly baseMs: number;
  /** 8 s. */
  readonly maxMs: number;
}

/** What the client remembers of conversations, so that it can send them again. */
export interface MemoryOptions {
  /** JSON bytes of items in memory, all lanes together; 64 MiB. Beyond it the oldest items are spilled, or forgotten. */
  readonly maxBytes?: number;
  /** Takes the oldest items instead of forgetting them. */
  readonly spill?: SpillStore;
}

/** Where to connect, and how. */
export interface ConnectOptions {
  /** Base URL of the API as every SDK takes it, such as `http://127.0.0.1:8787/v1`. */
  readonly baseUrl: string;
  /** Sent as `Authorization: Bearer …`. Leave it out in a browser, or say `keyInSubprotocol`: pages cannot set headers of a socket. */
  readonly apiKey?: string;
  /** Further headers of the upgrade and of HTTP requests. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * In a browser, sends the key as the subprotocol `openai-insecure-api-key.…`, and no other headers with the socket; false.
   * Whoever can open the page can read the key. A Longwire takes it with `--subprotocol-keys`.
   */
  readonly keyInSubprotocol?: boolean;
  readonly timeouts?: Partial<Timeouts>;
  /** When a socket is replaced by a new one; `auto`: before the server would close it, as known of the vendor or learnt. */
  readonly lifetimeMs?: number | 'auto';
  readonly retry?: Partial<RetryPolicy>;
  /**
   * Whether to ask for a resumable connection and to send idempotency keys (PROTOCOL.md); true, except to servers that are known, or
   * turn out, to be no Longwire.
   */
  readonly resume?: boolean;
  /** What to do where no WebSocket opens but HTTP answers, and with requests that are too large for a socket; `sse`. */
  readonly fallback?: 'sse' | 'never';
  /** `env` (unless given): HTTP_PROXY, HTTPS_PROXY and NO_PROXY where the platform lets us; Node does. */
  readonly proxy?: 'env' | 'none';
  /** Makes the sockets, for platforms and proxies that the global `WebSocket` does not do. */
  readonly webSocket?: WebSocketFactory;
  /** Makes the HTTP requests of the fallback; the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Whether lanes share a socket by `stream_id` or have one each; `auto`: as known of the vendor or learnt. */
  readonly lanes?: 'auto' | 'stream_id' | 'sockets';
  readonly memory?: MemoryOptions;
  /** Remembers, beyond this process or per network, where sockets do not open. */
  readonly networkMemory?: NetworkMemory;
  /** JSON bytes of events of one turn that may wait to be iterated; 16 MiB. */
  readonly maxUnreadBytes?: number;
  /** Gives up connecting. */
  readonly signal?: AbortSignal;
  /** Told of each change. It must not throw. */
  readonly onStatus?: (status: ConnectionStatus) => void;
}

/** The options of a connection, whole. */
export interface Settings {
  readonly timeouts: Timeouts;
  readonly retry: RetryPolicy;
  readonly maxUnreadBytes: number;
  readonly maxMemoryBytes: number;
  /** Whether turns may go over HTTP where sockets do not do. */
  readonly mayUseHttp: boolean;
}

const mebibyte = 1024 * 1024;

/** Throws a `TypeError` that names an option that is no number above zero. */
export function resolveSettings(options: ConnectOptions): Settings {
  const settings: Settings = {
    timeouts: { connectMs: 15_000, firstEventMs: 300_000, stallMs: 300_000, totalMs: Infinity, ...options.timeouts },
    retry: { attempts: 5, baseMs: 500, maxMs: 8_000, ...options.retry },
    maxUnreadBytes: options.maxUnreadBytes ?? 16 * mebibyte,
    maxMemoryBytes: options.memory?.maxBytes ?? 64 * mebibyte,
    mayUseHttp: options.fallback !== 'never',
  };
  const { attempts, ...waits } = settings.retry;
  checkPositive('timeouts', settings.timeouts);
  checkPositive('retry', waits);
  checkPositive(null, { maxUnreadBytes: settings.maxUnreadBytes });
  if (!(attempts >= 0)) throw new TypeError('retry.attempts must be a number from 0.');
  if (!(settings.maxMemoryBytes >= 0)) throw new TypeError('memory.maxBytes must be a number from 0.');
  return settings;
}

function checkPositive(group: string | null, values: object): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'number' && value > 0) continue;
    throw new TypeError(`${group === null ? name : `${group}.${name}`} must be a number above 0.`);
  }
}

/** How long to wait before the next attempt; `attempt` counts from 0, `random` is from 0 to 1. */
export function toBackoffMs({ baseMs, maxMs }: RetryPolicy, attempt: number, random: number): number {
  return Math.min(maxMs, baseMs * 2 ** attempt) * (1 - random / 4);
}
