import { describe, expect, it } from 'vitest';
import { callTurn, startTestServer, TestSocket, textTurn } from '../harness.ts';

describe('bad frames', () => {
  const cases: [name: string, frame: unknown, error: { status?: number; code: string | null; param: string | null }][] =
    [
      ['invalid JSON', '{"type":', { code: 'invalid_json', param: null }],
      ['JSON that is no object', '[1]', { code: 'invalid_json', param: null }],
      ['no type', { model: 'm' }, { code: 'missing_event_type', param: 'type' }],
      ['a type that is no string', { type: 7 }, { code: 'missing_event_type', param: 'type' }],
      ['an unknown type', { type: 'response.append' }, { code: 'unknown_event_type', param: 'type' }],
      ['an unknown model', create({ model: 'gpt-none' }), { status: 404, code: 'model_not_found', param: 'model' }],
      ['no model', create({ model: undefined }), { code: 'missing_required_parameter', param: 'model' }],
      ['a model that is no string', create({ model: 7 }), { code: 'invalid_type', param: 'model' }],
      ['an input that is a number', create({ input: 7 }), { code: 'invalid_type', param: 'input' }],
      ['an empty stream_id', create({ stream_id: '' }), { code: 'invalid_stream_id', param: 'stream_id' }],
      ['a stream_id with a space', create({ stream_id: 'a b' }), { code: 'invalid_stream_id', param: 'stream_id' }],
      ['background', create({ background: true }), { code: 'unsupported_parameter', param: 'background' }],
      [
        'an item without its name',
        create({ input: [message, { type: 'function_call', call_id: 'c', arguments: '{}' }] }),
        { code: 'missing_required_parameter', param: 'input[1].name' },
      ],
      [
        'an unknown parent',
        create({ previous_response_id: 'resp_none' }),
        { code: 'previous_response_not_found', param: 'previous_response_id' },
      ],
      [
        'an output for no call',
        create({ input: [message, { type: 'function_call_output', call_id: 'call_x', output: '' }] }),
        { code: null, param: 'input' },
      ],
      [
        'a call without its output',
        create({ input: [message, { type: 'function_call', call_id: 'call_x', name: 'f', arguments: '{}' }] }),
        { code: null, param: 'input' },
      ],
    ];

  it.each(cases)('%s is answered with its error, and the socket goes on', async (_name, frame, error) => {
    await using server = await startTestServer();
    using socket = await TestSocket.open(server.url);
    socket.send(frame);
    const answer = await socket.error();
    expect(answer).toMatchObject({
      type: 'error',
      status: error.status ?? 400,
      sequence_number: 0,
      error: { type: 'invalid_request_error', code: error.code, param: error.param },
    });
    expect(answer.error.message).toMatch(/\S/);
    expect(JSON.stringify(answer)).not.toMatch(/node_modules|\.ts\b|\bat .*\(/);
    socket.create({});
    expect((await socket.response()).status).toBe('completed');
  });

  it('uses the words of the real service', async () => {
    await using server = await startTestServer();
    using socket = await TestSocket.open(server.url);
    const say = async (fields: Record<string, unknown>) => {
      socket.create(fields);
      return (await socket.error()).error.message;
    };
    expect(await say({ previous_response_id: 'resp_abc' })).toBe("Previous response with id 'resp_abc' not found.");
    expect(await say({ stream_id: '' })).toBe(
      "The 'stream_id' field must be a non-empty string with at most 256 characters and may only contain letters, numbers, underscores, hyphens, and periods.",
    );
    expect(await say({ input: [{ type: 'function_call_output', call_id: 'call_x', output: '' }] })).toBe(
      'No tool call found for function call output with call_id call_x.',
    );
    expect(await say({ input: [{ type: 'function_call', call_id: 'call_x', name: 'f', arguments: '' }] })).toBe(
      'No tool output found for function call call_x.',
    );
  });

  it('refuses a binary frame and goes on', async () => {
    await using server = await startTestServer();
    using socket = await TestSocket.open(server.url);
    socket.socket.send(Buffer.from('{"type":"response.create"}'), { binary: true });
    expect((await socket.error()).error.code).toBe('binary_frame');
    socket.create({});
    expect((await socket.response()).status).toBe('completed');
  });

  it('says so and closes with 1009 when a frame is too large', async () => {
    await using server = await startTestServer({ flags: ['--max-frame-bytes', '2048'] });
    using socket = await TestSocket.open(server.url);
    socket.create({ input: 'x'.repeat(4096) });
    expect((await socket.error()).error.code).toBe('websocket_message_too_large');
    await expect(socket.next()).rejects.toThrow('1009');
  });
});

describe('eviction', () => {
  it('forgets the parent of a continuation that failed in its own lane', async () => {
    await using server = await startTestServer({ turns: [callTurn(['call_1', 'f', '{}']), textTurn('Done.')] });
    using socket = await TestSocket.open(server.url);
    socket.create({});
    const { id } = await socket.response();
    const missing = [{ type: 'function_call_output', call_id: 'call_missing', output: 'x' }];
    socket.create({ previous_response_id: id, input: missing });
    expect((await socket.error()).error.message).toContain('call_missing');
    socket.create({
      previous_response_id: id,
      input: [{ type: 'function_call_output', call_id: 'call_1', output: '' }],
    });
    expect((await socket.error()).error.code).toBe('previous_response_not_found');
  });

  it('forgets it as well when the request was malformed', async () => {
    await using server = await startTestServer();
    using socket = await TestSocket.open(server.url);
    socket.create({});
    const { id } = await socket.response();
    socket.create({ previous_response_id: id, temperature: 'hot' });
    expect((await socket.error()).error.param).toBe('temperature');
    socket.create({ previous_response_id: id });
    expect((await socket.error()).error.code).toBe('previous_response_not_found');
  });

  it('keeps the parent of a fork that failed in another lane', async () => {
    await using server = await startTestServer();
    using socket = await TestSocket.open(server.url);
    socket.create({ stream_id: 'main' });
    const { id } = await socket.response('main');
    socket.create({
      stream_id: 'fork',
      previous_response_id: id,
      input: [{ type: 'function_call_output', call_id: 'call_missing', output: 'x' }],
    });
    expect((await socket.error()).stream_id).toBe('fork');
    socket.create({ stream_id: 'main', previous_response_id: id });
    expect((await socket.response('main')).status).toBe('completed');
  });
});

const message = { type: 'message', role: 'user', content: 'Hi.' };

function create(fields: Record<string, unknown>): Record<string, unknown> {
  return { type: 'response.create', model: 'test-model', store: false, input: 'Hi.', ...fields };
}
