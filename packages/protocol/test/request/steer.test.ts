import { describe, expect, test } from 'vitest';
import { parseCancel, parseInject, parseSteer } from '../../src/index.ts';
import { thrownBy } from '../thrown.ts';

const type = 'response.steer';
const previous_response_id = 'resp_1';

describe('a steer', () => {
  test('of a string is one user message', () => {
    expect(parseSteer({ type, previous_response_id, input: 'Keep it short.' })).toEqual({
      ok: true,
      steer: {
        previousResponseId: 'resp_1',
        input: 'Keep it short.',
        items: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Keep it short.' }] }],
      },
    });
  });

  test('of items keeps messages and outputs of calls', () => {
    const output = { type: 'function_call_output', call_id: 'call_1', output: 'done' };
    const input = [{ id: null, role: 'user', content: [{ type: 'input_text', text: 'x' }] }, output];
    const result = parseSteer({ type, previous_response_id, input });
    expect(result).toMatchObject({
      ok: true,
      steer: {
        input,
        items: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'x' }] }, output],
      },
    });
  });

  test.each<[Record<string, unknown>, string]>([
    [{ type, previous_response_id, input: 'x', stream_id: 'a' }, "Unsupported parameter: 'stream_id'"],
    [{ type, previous_response_id, input: '' }, 'expected a non-empty string'],
    [{ type, previous_response_id, input: [] }, 'expected a non-empty array'],
    [{ type, previous_response_id }, "Missing required parameter: 'input'"],
    [{ type, input: 'x' }, "Missing required parameter: 'previous_response_id'"],
    [{ type, previous_response_id: 7, input: 'x' }, 'expected a string, but got an integer'],
    [{ type, previous_response_id, input: [{ role: 'system', content: 'x' }] }, "'system' is not one of 'user'"],
    [{ type, previous_response_id, input: [{ type: 'reasoning', summary: [] }] }, "'reasoning' is not one of"],
    [
      { type, previous_response_id, input: [{ role: 'user', content: [{ type: 'output_text' }] }] },
      "'output_text' is not",
    ],
  ])('%j is refused with its input given back', (body, message) => {
    const result = parseSteer(body);
    const target = typeof body['previous_response_id'] === 'string' ? 'resp_1' : '';
    expect(result).toEqual({
      ok: false,
      previousResponseId: target,
      input: body['input'] ?? '',
      message: expect.stringContaining(message) as string,
    });
  });
});

test('a cancel names a response', () => {
  expect(parseCancel({ type: 'response.cancel', response_id: 'resp_1' })).toEqual({ responseId: 'resp_1' });
  const missing = thrownBy(() => parseCancel({ type: 'response.cancel' }));
  expect(missing).toMatchObject({ code: 'missing_required_parameter', param: 'response_id' });
  const wrong = thrownBy(() => parseCancel({ type: 'response.cancel', response_id: null }));
  expect(wrong).toMatchObject({ code: 'invalid_type', param: 'response_id' });
});

test('an inject names a response and has items', () => {
  const input = [{ type: 'function_call_output', call_id: 'call_1', output: '' }];
  expect(parseInject({ type: 'response.inject', response_id: 'resp_1', input })).toEqual({
    responseId: 'resp_1',
    input,
  });
  const missing = thrownBy(() => parseInject({ type: 'response.inject', response_id: 'resp_1' }));
  expect(missing).toMatchObject({ code: 'missing_required_parameter', param: 'input' });
});
