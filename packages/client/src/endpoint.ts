/** Where an API is, and what is known of it before it has said a word (dossier A, N). */
import type { ConnectOptions } from './options.ts';

/** `http://host/v1` as `ws://host/v1/responses`; the query stays. Throws a `TypeError` for anything but http and https. */
export function toSocketUrl(baseUrl: string): URL {
  const url = toHttpUrl(baseUrl);
  url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
  return url;
}

/**
 * `http://host/v1` as `http://host/v1/responses`; the query stays. Throws a `TypeError` for anything but http and https, and for
 * a URL with a password, which platforms quote in their errors.
 */
export function toHttpUrl(baseUrl: string): URL {
  const url = new URL(baseUrl);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TypeError(`The base URL must start with http:// or https://, but starts with ${url.protocol}//.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('The base URL must hold no user name and password: give them as a header.');
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/responses`;
  url.hash = '';
  return url;
}

/**
 * The headers of an upgrade, and of requests. Throws a `TypeError` that names a header that cannot be sent. Platforms refuse it
 * too, and print what is in it: a key with a line break would end up in a log.
 */
export function toHeaders({ apiKey, headers }: Pick<ConnectOptions, 'apiKey' | 'headers'>): Record<string, string> {
  const all = { ...headers, ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) };
  for (const [name, value] of Object.entries(all)) {
    if (!headerName.test(name)) throw new TypeError(`There can be no header '${name}'.`);
    if (!headerValue.test(value)) throw new TypeError(`The header ${name} holds characters that cannot be sent.`);
  }
  return all;
}

/** A token and a field value without bytes beyond Latin-1 (RFC 9110, 5.6.2 and 5.5). */
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What a server can do, as far as its name tells. */
export interface ServerTraits {
  /** When a socket is replaced: some minutes before the server would close it. */
  readonly lifetimeMs: number;
  /** Whether it knows `stream_id`. Without, each lane has a socket of its own. */
  readonly hasLanes: boolean;
  /** Whether it may be a Longwire: only such servers are asked for its extensions (PROTOCOL.md). */
  readonly mayBeLongwire: boolean;
}

const minuteMs = 60_000;
const unknown: ServerTraits = { lifetimeMs: 55 * minuteMs, hasLanes: true, mayBeLongwire: true };
const vendors: readonly (readonly [hosts: RegExp, traits: ServerTraits])[] = [
  [/^api\.openai\.com$/, { ...unknown, mayBeLongwire: false }],
  [/^chatgpt\.com$/, { lifetimeMs: 55 * minuteMs, hasLanes: false, mayBeLongwire: false }],
  [/^api\.x\.ai$/, { lifetimeMs: 24 * minuteMs, hasLanes: false, mayBeLongwire: false }],
  [/^ai-gateway\.vercel\.sh$/, { lifetimeMs: 12 * minuteMs, hasLanes: false, mayBeLongwire: false }],
  [/\.azure\.com$/, { lifetimeMs: 55 * minuteMs, hasLanes: false, mayBeLongwire: false }],
];

/** What is known of the server at this host (dossier N). */
export function traitsOf(host: string): ServerTraits {
  return vendors.find(([hosts]) => hosts.test(host))?.[1] ?? unknown;
}
