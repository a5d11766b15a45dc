import { describe, expect, test } from 'vitest';
import { parseCreateRequest } from '../../src/index.ts';
import { thrownBy } from '../thrown.ts';

const user = { type: 'message', role: 'user', content: 'Hello' };
const call = { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' };
const tool = { type: 'function', name: 'f', parameters: {} };

describe('input', () => {
  test.each([
    ['nothing', {}, []],
    ['null', { input: null }, []],
    ['no items', { input: [] }, []],
    [
      'a string',
      { input: 'Hello' },
      [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello' }] }],
    ],
    ['a message without type', { input: [{ role: 'user', content: 'Hello' }] }, [user]],
    ['a reference without type', { input: [{ id: 'msg_1' }] }, [{ type: 'item_reference', id: 'msg_1' }]],
    ['a reference of type null', { input: [{ id: 'msg_1', type: null }] }, [{ type: 'item_reference', id: 'msg_1' }]],
    [
      'a type that we do not know',
      { input: [{ type: 'context_compaction', a: 1 }] },
      [{ type: 'context_compaction', a: 1 }],
    ],
    ['a trigger at the end', { input: [user, { type: 'compaction_trigger' }] }, [user, { type: 'compaction_trigger' }]],
  ])('of %s', (_name, body, items) => {
    expect(parseCreateRequest(body, 'websocket').input).toEqual(items);
    expect(parseCreateRequest(body, 'http').input).toEqual(items);
  });

  test('keeps valid items by reference, and never changes what it was given', () => {
    const body = { input: [user, call, { role: 'user', content: 'x' }], tools: [tool] };
    const before = structuredClone(body);
    const { input, tools } = parseCreateRequest(body, 'websocket');
    expect(input[0]).toBe(user);
    expect(input[1]).toBe(call);
    expect(tools).toBe(body.tools);
    expect(body).toEqual(before);
  });

  test('takes history as it is replayed: foreign ids, no ids, nulls, no annotations', () => {
    const items = [
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hi' }] },
      { type: 'message', role: 'assistant', phase: 'final_answer', content: [{ type: 'refusal', refusal: 'No' }] },
      { type: 'reasoning', id: 'rs_foreign', summary: [], content: null, encrypted_content: 'sealed' },
      { ...call, id: null, status: null, namespace: 'n', caller: { type: 'program', caller_id: 'p' } },
      {
        type: 'function_call_output',
        call_id: 'call_1',
        output: [{ type: 'input_image', image_url: 'data:,', detail: 'high' }],
      },
      { type: 'custom_tool_call_output', call_id: 'call_2', output: 'done', extra: { kept: true } },
      { type: 'tool_search_output', call_id: 'call_3', tools: [tool] },
    ];
    expect(parseCreateRequest({ input: items }, 'websocket').input).toEqual(items);
  });
});

describe('the envelope', () => {
  test('keeps unknown fields, and leaves out what belongs to the transport', () => {
    const body = {
      type: 'response.create',
      stream_id: 'a',
      stream: 'whatever',
      model: 'm',
      client_metadata: { a: 'b' },
      mine: 1,
    };
    expect(parseCreateRequest(body, 'websocket')).toEqual({
      model: 'm',
      client_metadata: { a: 'b' },
      mine: 1,
      input: [],
    });
  });

  test('keeps stream over HTTP', () => {
    expect(parseCreateRequest({ stream: true, background: true }, 'http')).toEqual({
      stream: true,
      background: true,
      input: [],
    });
  });

  test('takes null for settings that may be unset', () => {
    const names = [
      'model',
      'instructions',
      'previous_response_id',
      'store',
      'metadata',
      'reasoning',
      'temperature',
      'background',
    ];
    const body = Object.fromEntries(names.map((name) => [name, null]));
    expect(parseCreateRequest(body, 'websocket')).toEqual({ ...body, input: [] });
  });

  test('prewarm means that nothing is generated', () => {
    const body = { generate: true, prompt_cache_options: { prewarm: true } };
    expect(parseCreateRequest(body, 'websocket').generate).toBe(false);
    expect(parseCreateRequest(body, 'http').generate).toBe(false);
    expect(parseCreateRequest({ prompt_cache_options: { prewarm: false } }, 'websocket').generate).toBeUndefined();
  });

  test('metadata of 16 pairs at their longest is accepted, emoji counted once', () => {
    const metadata = Object.fromEntries(
      Array.from({ length: 16 }, (_, n) => [`${n}`.padEnd(64, 'k'), '\u{1f600}'.repeat(512)]),
    );
    expect(parseCreateRequest({ metadata }, 'websocket').metadata).toBe(metadata);
  });
});

const many = (length: number) => Object.fromEntries(Array.from({ length }, (_, index) => [`k${index}`, 'v']));
const at150 = [...Array.from({ length: 150 }, () => user), { type: 'function_call', call_id: 'c', arguments: '{}' }];

describe('what is wrong is said, with its place', () => {
  test.each<[param: string, code: string | null, message: string, body: Record<string, unknown>]>([
    ['input[150].name', 'missing_required_parameter', 'Missing required parameter', { input: at150 }],
    ['input', 'invalid_type', 'expected a string or an array, but got an integer', { input: 7 }],
    ['input[0]', 'invalid_type', 'expected an object, but got a string', { input: ['x'] }],
    ['input[0]', 'invalid_type', 'expected an object, but got null', { input: [null] }],
    ['input[1]', 'invalid_type', 'expected an object, but got an array', { input: [user, []] }],
    ['input[0].type', 'missing_required_parameter', 'Missing required parameter', { input: [{ content: 'x' }] }],
    ['input[0].type', 'invalid_type', 'expected a string, but got an integer', { input: [{ type: 3, role: 'user' }] }],
    [
      'input[0].role',
      'invalid_value',
      "'tool' is not one of 'user', 'assistant'",
      { input: [{ role: 'tool', content: 'x' }] },
    ],
    ['input[0].content', 'missing_required_parameter', 'Missing required parameter', { input: [{ role: 'user' }] }],
    [
      'input[0].content',
      'invalid_type',
      'expected a string or an array, but got null',
      { input: [{ role: 'user', content: null }] },
    ],
    [
      'input[0].content[1].text',
      'invalid_type',
      'expected a string, but got a decimal',
      {
        input: [
          {
            role: 'user',
            content: [
              { type: 'input_text', text: 'a' },
              { type: 'input_text', text: 1.5 },
            ],
          },
        ],
      },
    ],
    [
      'input[0].content[0].type',
      'invalid_value',
      "'text' is not one of 'input_text'",
      { input: [{ role: 'user', content: [{ type: 'text', text: 'a' }] }] },
    ],
    [
      'input[0].content[0].type',
      'missing_required_parameter',
      'Missing required parameter',
      { input: [{ role: 'user', content: [{ text: 'a' }] }] },
    ],
    [
      'input[0].output',
      'missing_required_parameter',
      'Missing required parameter',
      { input: [{ type: 'function_call_output', call_id: 'c' }] },
    ],
    [
      'input[0].output[0].image_url',
      'invalid_type',
      'expected a string, but got an object',
      { input: [{ type: 'function_call_output', output: [{ type: 'input_image', image_url: { url: 'x' } }] }] },
    ],
    [
      'input[0].tools[1].name',
      'missing_required_parameter',
      'Missing required parameter',
      { input: [{ type: 'additional_tools', role: 'developer', tools: [tool, { type: 'function' }] }] },
    ],
    [
      'input[0].operation.type',
      'invalid_value',
      "'move_file' is not one of 'create_file', 'update_file', 'delete_file'",
      { input: [{ type: 'apply_patch_call', call_id: 'c', operation: { type: 'move_file' } }] },
    ],
    ['input[0]', null, "'compaction_trigger' must be the last item", { input: [{ type: 'compaction_trigger' }, user] }],
    ['tools', 'invalid_type', 'expected an array, but got an object', { tools: {} }],
    [
      'tools[3].parameters',
      'invalid_type',
      'expected an object, but got a string',
      { tools: [tool, tool, tool, { ...tool, parameters: '{}' }] },
    ],
    [
      'tools[0].name',
      'missing_required_parameter',
      'Missing required parameter',
      { tools: [{ type: 'function', function: { name: 'f' } }] },
    ],
    ['tools[0].type', 'missing_required_parameter', 'Missing required parameter', { tools: [{ name: 'f' }] }],
    [
      'tools[0].tools[0].name',
      'invalid_type',
      'expected a string, but got a boolean',
      { tools: [{ type: 'namespace', name: 'n', description: '', tools: [{ type: 'custom', name: true }] }] },
    ],
    [
      'tools[0].format.syntax',
      'invalid_value',
      "'ebnf' is not one of 'lark', 'regex'",
      { tools: [{ type: 'custom', name: 'c', format: { type: 'grammar', syntax: 'ebnf', definition: '' } }] },
    ],
    ['tool_choice', 'invalid_value', "'any' is not one of 'none', 'auto', 'required'", { tool_choice: 'any' }],
    ['tool_choice', 'invalid_type', 'expected a string or an object, but got an integer', { tool_choice: 1 }],
    [
      'tool_choice.name',
      'missing_required_parameter',
      'Missing required parameter',
      { tool_choice: { type: 'function' } },
    ],
    [
      'tool_choice.mode',
      'invalid_value',
      "'none' is not one of",
      { tool_choice: { type: 'allowed_tools', mode: 'none', tools: [] } },
    ],
    ['model', 'invalid_type', 'expected a string, but got an integer', { model: 4 }],
    ['temperature', 'invalid_value', 'expected a value from 0 to 2, but got 2.1', { temperature: 2.1 }],
    ['temperature', 'invalid_type', 'expected a number, but got a string', { temperature: '1' }],
    ['top_logprobs', 'invalid_value', 'expected a value from 0 to 20, but got 21', { top_logprobs: 21 }],
    ['max_output_tokens', 'invalid_value', 'expected 1 or more, but got 0', { max_output_tokens: 0 }],
    ['max_output_tokens', 'invalid_type', 'expected an integer, but got a decimal', { max_output_tokens: 1.5 }],
    ['reasoning.effort', 'invalid_value', "'huge' is not one of 'none'", { reasoning: { effort: 'huge' } }],
    [
      'text.format.name',
      'missing_required_parameter',
      'Missing required parameter',
      { text: { format: { type: 'json_schema', schema: {} } } },
    ],
    [
      'text.format.type',
      'invalid_value',
      "'xml' is not one of 'text', 'json_schema', 'json_object'",
      { text: { format: { type: 'xml' } } },
    ],
    [
      'include[1]',
      'invalid_value',
      "'everything' is not one of",
      { include: ['reasoning.encrypted_content', 'everything'] },
    ],
    ['metadata', 'invalid_value', 'expected at most 16 entries, but got 17', { metadata: many(17) }],
    ['metadata.a', 'invalid_type', 'expected a string, but got an integer', { metadata: { a: 1 } }],
    [
      'metadata.a',
      'invalid_value',
      'expected at most 512 characters, but got 513',
      { metadata: { a: 'x'.repeat(513) } },
    ],
    [
      `metadata.${'k'.repeat(64)}`,
      'invalid_value',
      'expected at most 64 characters, but got 65',
      { metadata: { ['k'.repeat(65)]: '' } },
    ],
    [
      'safety_identifier',
      'invalid_value',
      'expected at most 128 characters, but got 129',
      { safety_identifier: 'x'.repeat(129) },
    ],
    [
      'conversation',
      null,
      "'previous_response_id' cannot be used together with 'conversation'",
      { previous_response_id: 'resp_1', conversation: { id: 'conv_1' } },
    ],
  ])('%s: %s', (param, code, message, body) => {
    for (const transport of ['websocket', 'http'] as const) {
      const error = thrownBy(() => parseCreateRequest(body, transport));
      expect(error).toMatchObject({ param, code, status: 400, type: 'invalid_request_error' });
      expect(error.message).toContain(message);
    }
  });

  test('what a transport does not carry', () => {
    expect(thrownBy(() => parseCreateRequest({ background: true }, 'websocket'))).toMatchObject({
      code: 'unsupported_parameter',
      param: 'background',
      message: "Unsupported parameter: 'background' is not supported over WebSocket.",
    });
    expect(parseCreateRequest({ background: false }, 'websocket').background).toBe(false);
    expect(thrownBy(() => parseCreateRequest({ stream_id: 'a' }, 'http'))).toMatchObject({
      code: 'unsupported_parameter',
      param: 'stream_id',
    });
    expect(thrownBy(() => parseCreateRequest({ stream: 'yes' }, 'http'))).toMatchObject({
      code: 'invalid_type',
      param: 'stream',
    });
  });
});
