/** A call of `fetch`, as far as it can travel over a socket. */
import type { InputItem } from '@longwire/protocol';
import type { LaneRequest } from '../outgoing-request.ts';

/** A `POST …/responses` whose answer is awaited. */
export interface ResponsesCall {
  /** What the URL begins with: the base URL of the API, with the query. */
  readonly baseUrl: string;
  /** What sockets are opened with. The same for all calls of one client. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: LaneRequest;
  /** The input as items; null where `body` names what it goes on from. */
  readonly history: readonly InputItem[] | null;
  readonly isStreamed: boolean;
  readonly signal: AbortSignal | null;
}

/** They are about one request, or about its body, and differ from call to call. */
const ofRequests = new RegExp(
  [
    '^accept(-.*)?$|^content-.*$|^connection$|^host$|^user-agent$',
    '^x-stainless-.*$|^idempotency-key$|^x-(client-)?request-id$',
    '^traceparent$|^tracestate$|^baggage$',
  ].join('|'),
);
const path = /\/responses$/;

/** The call in these arguments; null for everything that is to go over HTTP as it is. */
export function parseResponsesCall(target: unknown, init: RequestInit | undefined): ResponsesCall | null {
  const isNamed = typeof target === 'string' || target instanceof URL;
  if (!isNamed || init?.method?.toUpperCase() !== 'POST' || typeof init.body !== 'string') return null;
  const url = toUrl(target);
  if (!url || !path.test(url.pathname)) return null;
  const headers = new Headers(init.headers);
  if (headers.has('content-encoding')) return null;
  const fields = toObject(init.body);
  if (!fields || fields['background'] === true) return null;
  const { stream, background: _, input, ...body } = fields;
  const items = toItems(input);
  if (items === null) return null;
  const isContinuation = isGiven(body['previous_response_id']) || isGiven(body['conversation']);
  url.pathname = url.pathname.replace(path, '');
  return {
    baseUrl: url.href,
    headers: Object.fromEntries([...headers].filter(([name]) => !ofRequests.test(name))),
    // A lane stores nothing unless told to; the API does where it is told nothing.
    body: { ...body, store: body['store'] ?? null, input } as LaneRequest,
    history: isContinuation ? null : items,
    isStreamed: stream === true,
    signal: init.signal ?? null,
  };
}

function toUrl(target: string | URL): URL | null {
  try {
    const url = new URL(target);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url : null;
  } catch {
    return null;
  }
}

function toObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** Null for what the server is to refuse. */
function toItems(input: unknown): InputItem[] | null {
  if (input === undefined || input === null) return [];
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: input }];
  const isList = Array.isArray(input) && input.every((item) => typeof item === 'object' && item !== null);
  return isList ? (input as InputItem[]) : null;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
