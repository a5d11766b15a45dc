/** The trace that a request belongs to (W3C Trace Context). It is passed on and logged, never begun here. */
import type { CreateRequest } from './client-events.ts';

/** A place in somebody's trace. */
export interface Trace {
  /** `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`. */
  readonly traceparent: string;
  readonly tracestate: string | null;
}

/** Fields of `client_metadata` that stand for the headers where a socket has none for each request; Codex names them so. */
const metadataFields = { traceparent: 'ws_request_header_traceparent', tracestate: 'ws_request_header_tracestate' };

const form = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** What fits into a header, and no more of it than others must carry. */
const stateForm = /^[\x20-\x7e]{1,512}$/;

/** The trace of these headers; null for none, and for a malformed one: nobody is to fail for it. */
export function parseTrace(traceparent: unknown, tracestate: unknown): Trace | null {
  if (typeof traceparent !== 'string' || !form.test(traceparent)) return null;
  return { traceparent, tracestate: typeof tracestate === 'string' && stateForm.test(tracestate) ? tracestate : null };
}

/** The trace that a request's `client_metadata` names; null as `parseTrace`. */
export function traceOf({ client_metadata: metadata }: Pick<CreateRequest, 'client_metadata'>): Trace | null {
  return metadata ? parseTrace(metadata[metadataFields.traceparent], metadata[metadataFields.tracestate]) : null;
}

/** The headers of a request to somebody else who may know the trace; none without one. */
export function toTraceHeaders(trace: Trace | null | undefined): Record<string, string> {
  if (!trace) return {};
  const { traceparent, tracestate } = trace;
  return tracestate === null ? { traceparent } : { traceparent, tracestate };
}

/** The 32 digits that all parts of a trace share. */
export function traceIdOf({ traceparent }: Trace): string {
  return traceparent.slice(3, 35);
}
