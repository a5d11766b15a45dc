/** Server-sent events: the HTTP form of the same stream (dossier L.3). */
import type { ServerEvent } from './server-events.ts';

/** Ends a stream. For server-sent events only: over a socket official clients would fail to parse it. */
export const sseDone = 'data: [DONE]\n\n';

/** One event with its framing. JSON has no raw line breaks, so one `data` line is enough. */
export function encodeSse(event: ServerEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
