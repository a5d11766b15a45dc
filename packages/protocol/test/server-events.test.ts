import { describe, expect, test } from 'vitest';
import { encodeSse, errors, parseServerEvent, sseDone, toErrorEvent, type ServerEvent } from '../src/index.ts';
import { thrownBy } from './thrown.ts';

const parse = (event: unknown) => parseServerEvent(JSON.stringify(event));

describe('an event that a client reads', () => {
  test.each([
    { type: 'response.completed', response: { id: 'resp_1' } },
    { type: 'response.output_item.done', output_index: 0, item: { type: 'slug:novelty', anything: 1 } },
    { type: 'response.output_text.delta', item_id: 'a', output_index: 0, content_index: 0, delta: 'x' },
    { type: 'response.function_call_arguments.done', item_id: 'a', output_index: 0, arguments: '{}', name: 'f' },
    { type: 'keepalive' },
    { type: 'error', error: { type: 't', code: null, message: 'm', param: null } },
    { type: 'error', sequence_number: 1, code: 'server_error', message: 'm', param: null },
    { type: 'codex.rate_limits', whatever: [] },
    { type: 'constructor' },
    { type: 'response.done', response: 'not even an object' },
    toErrorEvent(errors.rateLimitExceeded('Slow down.', 1500), 3, 'main'),
  ])('passes as it is: $type', (event) => {
    expect(parse(event)).toEqual(event);
  });

  test.each<[unknown, string, string | null]>([
    [[], 'invalid_json', null],
    [{ kind: 'x' }, 'missing_event_type', 'type'],
    [{ type: 'response.completed' }, 'missing_required_parameter', 'response'],
    [{ type: 'response.completed', response: {} }, 'missing_required_parameter', 'response.id'],
    [{ type: 'response.output_item.added', item: { type: 'message' } }, 'missing_required_parameter', 'output_index'],
    [{ type: 'response.output_item.added', output_index: -1, item: { type: 'x' } }, 'invalid_value', 'output_index'],
    [
      { type: 'response.output_text.delta', item_id: 'a', output_index: 0, content_index: 0, delta: 1 },
      'invalid_type',
      'delta',
    ],
    [{ type: 'keepalive', stream_id: null }, 'invalid_type', 'stream_id'],
    [{ type: 'error', error: { message: 'm' } }, 'missing_required_parameter', 'error.type'],
    [{ type: 'error', message: 'm' }, 'missing_required_parameter', 'code'],
  ])('is refused in the wrong shape: %j', (event, code, param) => {
    expect(thrownBy(() => parse(event))).toMatchObject({ code, param });
  });

  test('is refused when it is no JSON', () => {
    expect(thrownBy(() => parseServerEvent('[DONE]'))).toMatchObject({ code: 'invalid_json' });
  });
});

describe('server-sent events', () => {
  test('carry the type and one line of JSON, whatever the text holds', () => {
    const event: ServerEvent = {
      type: 'response.output_text.delta',
      sequence_number: 4,
      item_id: 'msg_1',
      output_index: 0,
      content_index: 0,
      delta: 'a\n\nb\r\u2028',
      logprobs: [],
    };
    const text = encodeSse(event);
    const [head, data, ...rest] = text.split('\n');
    expect(head).toBe('event: response.output_text.delta');
    expect(JSON.parse(data?.replace(/^data: /, '') ?? '')).toEqual(event);
    expect(rest).toEqual(['', '']);
    expect(text).not.toMatch(/\r/);
  });

  test('end with a line that is no JSON', () => {
    expect(sseDone).toBe('data: [DONE]\n\n');
  });
});
