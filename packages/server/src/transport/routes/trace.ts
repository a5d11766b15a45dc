/** Whose trace an HTTP request is part of. */
import type { IncomingHttpHeaders } from 'node:http';
import { parseTrace, type Trace } from '@longwire/protocol';

/** Null where its headers tell none, or a malformed one. */
export function traceOfHeaders(headers: IncomingHttpHeaders): Trace | null {
  return parseTrace(headers['traceparent'], headers['tracestate']);
}
