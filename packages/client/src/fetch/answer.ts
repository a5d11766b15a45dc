/** The events of a turn as the HTTP response that they would have been. */
import { catalogue } from '@longwire/protocol/errors';
import { encodeSse, sseDone } from '@longwire/protocol/sse';
import type { Response as ModelResponse, ServerEvent } from '@longwire/protocol';
import { ResponsesError } from '../errors.ts';

/** Says which way an answer came. */
const transport = { 'longwire-transport': 'websocket' };

/** A turn that has begun. */
export interface BegunTurn {
  readonly first: ServerEvent;
  /** The events after the first. */
  readonly rest: AsyncIterator<ServerEvent, unknown, undefined>;
  readonly response: Promise<ModelResponse>;
  readonly responseId: string | null;
  /** The caller's. */
  readonly signal: AbortSignal | null;
  /** Nobody reads it any more. */
  abandon(): void;
}

/** The whole response as JSON, or the error that it ended with. Rejects as the turn does. */
export async function toJsonAnswer(turn: BegunTurn): Promise<Response> {
  let last = turn.first;
  try {
    for (;;) {
      const { done, value } = await turn.rest.next();
      if (done) break;
      last = value;
    }
  } catch (error) {
    const refusal = toErrorAnswer(last);
    if (refusal) return refusal;
    throw error;
  }
  return Response.json(await turn.response, { headers: headersOf(turn) });
}

/** The events as they come. What ends the turn without an event breaks the stream off. */
export function toStreamAnswer(turn: BegunTurn): Response {
  const refusal = turn.first.type === 'error' ? toErrorAnswer(turn.first) : null;
  if (refusal) return refusal;
  const encoder = new TextEncoder();
  let isEnded = false;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(encode(turn.first)));
    },
    async pull(controller) {
      try {
        const { done, value } = await turn.rest.next();
        if (!done) return controller.enqueue(encoder.encode(encode(value)));
      } catch (error) {
        // The event that it failed with has said so.
        if (!(error instanceof ResponsesError)) throw toFetchError(error, turn.signal);
      }
      isEnded = true;
      controller.enqueue(encoder.encode(sseDone));
      controller.close();
    },
    cancel() {
      if (!isEnded) turn.abandon();
    },
  });
  return new Response(body, {
    headers: { ...headersOf(turn), 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
  });
}

/** What `fetch` rejects with where the network fails: SDKs know it by these words. Who aborts gets the reason back. */
export function toFetchError(error: unknown, signal: AbortSignal | null): unknown {
  return signal?.aborted === true ? signal.reason : new TypeError('fetch failed', { cause: error });
}

/** Lanes are none of the caller's business. */
function encode(event: ServerEvent): string {
  const { stream_id: _, ...rest } = event;
  return encodeSse(rest as ServerEvent);
}

function headersOf({ responseId }: BegunTurn): Record<string, string> {
  return { ...transport, ...(responseId !== null && { 'x-request-id': responseId }) };
}

/** An error as an HTTP status and body; null for an event that is none. */
function toErrorAnswer(event: ServerEvent): Response | null {
  if (event.type === 'response.failed') {
    const { id, error } = event.response;
    const { code, message } = error ?? { code: 'server_error', message: 'The response failed.' };
    const { status, type } = code in catalogue ? catalogue[code as keyof typeof catalogue] : catalogue.server_error;
    const headers = { ...transport, 'x-request-id': id };
    return Response.json({ error: { type, code, message, param: null } }, { status, headers });
  }
  if (event.type !== 'error') return null;
  const { headers: said, ...error } = ('error' in event ? event.error : { ...event, type: undefined }) as Details;
  const { type = 'invalid_request_error', code = null, message, param = null } = error;
  const given = 'status' in event && typeof event.status === 'number' ? event.status : 500;
  // A `Response` takes no other, and none of these is an error.
  const status = given >= 400 && given < 600 ? given : 500;
  const headers = { ...toHeaders(said ?? ('headers' in event ? event.headers : null)), ...transport };
  return Response.json({ error: { type, code, message, param } }, { status, headers });
}

type Details = Readonly<Record<string, unknown>>;

/** What SDKs read of the headers of an error. */
const told = /^(retry-after(-ms)?|x-request-id|x-should-retry|x-ratelimit-.*)$/i;

function toHeaders(said: unknown): Record<string, string> {
  const entries = typeof said === 'object' && said !== null ? Object.entries(said) : [];
  return Object.fromEntries(entries.filter(([name]) => told.test(name)).map(([name, value]) => [name, String(value)]));
}
