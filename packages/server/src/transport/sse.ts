/** The events of a turn, live or replayed, as server-sent events on a raw HTTP response (dossier L.3). */
import type { ServerResponse } from 'node:http';
import {
  catalogue,
  encodeSse,
  ProtocolError,
  sseDone,
  type ErrorCode,
  type KnownEvent,
  type Response,
} from '@longwire/protocol';
import { drained } from './drain.ts';

/** Writes each batch in one go, waits for a slow reader, and ends the response after the terminal event. */
export async function sendEvents(
  stream: ServerResponse,
  events: AsyncIterable<readonly KnownEvent[]>,
  requestId: string,
): Promise<void> {
  stream.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    connection: 'keep-alive',
    // Proxies such as nginx would hold the events back otherwise.
    'x-accel-buffering': 'no',
    'x-request-id': requestId,
  });
  for await (const batch of events) {
    if (stream.destroyed) return;
    if (!stream.write(batch.map(encodeSse).join(''))) await drained(stream);
  }
  if (!stream.destroyed) stream.end(sseDone);
}

/** Without a stream a failed response is an HTTP error: the catalogue knows its status. Null for every other response. */
export function failureOf(response: Response): ProtocolError | null {
  if (response.status !== 'failed') return null;
  const { code, message } = response.error ?? { code: 'server_error', message: 'The response failed.' };
  const entry: ErrorCode = code in catalogue ? (code as ErrorCode) : 'server_error';
  return new ProtocolError(entry, { message });
}
