import { describe, expect, it } from 'vitest';
import { parseTrace, toTraceHeaders, traceIdOf, traceOf } from '@longwire/protocol';

const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

describe('the trace of a request', () => {
  it('is passed on as it came', () => {
    const trace = parseTrace(traceparent, 'vendor=1,other=2');
    expect(toTraceHeaders(trace)).toEqual({ traceparent, tracestate: 'vendor=1,other=2' });
    expect(toTraceHeaders(parseTrace(traceparent, undefined))).toEqual({ traceparent });
    expect(trace && traceIdOf(trace)).toBe('a'.repeat(32));
  });

  it('is nothing where there is none', () => {
    expect(parseTrace(undefined, 'vendor=1')).toBeNull();
    expect(traceOf({})).toBeNull();
    expect(traceOf({ client_metadata: { other: 'field' } })).toBeNull();
    expect(toTraceHeaders(null)).toEqual({});
  });

  it('stands in the metadata of a request on a socket, as Codex writes it', () => {
    const metadata = { ws_request_header_traceparent: traceparent, ws_request_header_tracestate: 'vendor=1' };
    expect(traceOf({ client_metadata: metadata })).toEqual({ traceparent, tracestate: 'vendor=1' });
  });

  it.each([
    ['no text', 7],
    ['another version', traceparent.replace('00-', 'ff-')],
    ['too short', traceparent.slice(0, -1)],
    ['too long', `${traceparent}-00`],
    ['capitals', traceparent.toUpperCase()],
    ['no trace', `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`],
    ['no parent', `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`],
    ['a header of its own', `${traceparent}\r\nx-evil: 1`],
  ])('is left out where it is malformed: %s', (_, value) => {
    expect(parseTrace(value, null)).toBeNull();
  });

  it.each(['a\r\nb', 'ü', 'x'.repeat(513), ''])('loses a state that no header takes: %j', (state) => {
    expect(parseTrace(traceparent, state)).toEqual({ traceparent, tracestate: null });
  });
});
