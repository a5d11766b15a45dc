import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCreateRequest, parseFrame, ProtocolError } from '../../src/index.ts';
import { thrownBy } from '../thrown.ts';

describe('a frame', () => {
  test('is parsed into its type, its lane and the whole object', () => {
    const body = { type: 'response.create', stream_id: 'main.1_a-B', model: 'm' };
    expect(parseFrame(JSON.stringify(body))).toEqual({ type: 'response.create', streamId: 'main.1_a-B', body });
    expect(parseFrame('{"type":"response.create"}').streamId).toBeNull();
  });

  test.each(['response.steer', 'response.cancel', 'response.inject', 'response.processed'])(
    'of %s names no lane: its stream_id is left to its own parser',
    (type) => {
      expect(parseFrame(JSON.stringify({ type, stream_id: '' }))).toEqual({
        type,
        streamId: null,
        body: { type, stream_id: '' },
      });
    },
  );

  test.each([
    ['', 'invalid_json', null],
    ['{', 'invalid_json', null],
    ['null', 'invalid_json', null],
    ['[{"type":"response.create"}]', 'invalid_json', null],
    ['"response.create"', 'invalid_json', null],
    ['{}', 'missing_event_type', 'type'],
    ['{"type":null}', 'missing_event_type', 'type'],
    ['{"type":1}', 'missing_event_type', 'type'],
    ['{"type":""}', 'unknown_event_type', 'type'],
    ['{"type":"response.append"}', 'unknown_event_type', 'type'],
    ['{"type":"constructor"}', 'unknown_event_type', 'type'],
    ['{"type":"response.create","stream_id":""}', 'invalid_stream_id', 'stream_id'],
    ['{"type":"response.create","stream_id":null}', 'invalid_stream_id', 'stream_id'],
    ['{"type":"response.create","stream_id":7}', 'invalid_stream_id', 'stream_id'],
    ['{"type":"response.create","stream_id":"a b"}', 'invalid_stream_id', 'stream_id'],
    ['{"type":"response.create","stream_id":"a\\n"}', 'invalid_stream_id', 'stream_id'],
    [`{"type":"response.create","stream_id":"${'a'.repeat(257)}"}`, 'invalid_stream_id', 'stream_id'],
  ])('that reads %j is refused', (text, code, param) => {
    expect(thrownBy(() => parseFrame(text))).toMatchObject({ code, param, status: 400 });
  });

  test('of 256 characters of lane is accepted', () => {
    const lane = 'a'.repeat(256);
    expect(parseFrame(JSON.stringify({ type: 'response.create', stream_id: lane })).streamId).toBe(lane);
  });
});

describe('whatever a client sends', () => {
  const settings = ['model', 'input', 'tools', 'metadata', 'tool_choice', 'text', 'reasoning', 'background', 'stream'];
  const value = fc.jsonValue({ maxDepth: 4 });
  const body = fc.oneof(value, fc.dictionary(fc.constantFrom('type', 'stream_id', ...settings), value));

  test('as a frame, parses or throws an error of the catalogue', () => {
    const frame = fc.oneof(
      fc.string(),
      body.map((json) => JSON.stringify(json)),
    );
    fc.assert(
      fc.property(frame, (text) => {
        expect(outcomeOf(() => parseFrame(text))).toMatch(/^(parsed|refused)$/);
      }),
      { numRuns: 1000 },
    );
  });

  test.each(['websocket', 'http'] as const)(
    'as a create over %s, parses or throws an error of the catalogue',
    (transport) => {
      const item = fc.oneof(
        value,
        fc.record({ type: fc.constantFrom('message', 'function_call', 'x'), content: value }),
      );
      const create = fc.dictionary(fc.constantFrom('type', 'stream_id', ...settings), fc.oneof(value, fc.array(item)));
      fc.assert(
        fc.property(create, (fields) => {
          expect(outcomeOf(() => parseCreateRequest(fields, transport))).toMatch(/^(parsed|refused)$/);
        }),
        { numRuns: 2000 },
      );
    },
  );
});

/** How `run` ended: an error that is not of the catalogue is told by its name. */
function outcomeOf(run: () => unknown): string {
  try {
    run();
    return 'parsed';
  } catch (error) {
    return error instanceof ProtocolError ? 'refused' : String(error);
  }
}
