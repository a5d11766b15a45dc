import { describe, expect, it } from 'vitest';
import { createEchoEngine } from '../echo-engine.ts';
import { callTurn, startTestServer, TestSocket, textTurn } from '../harness.ts';

function textOf(response: { output: readonly { type: string }[] }): string {
  const [message] = response.output as { type: string; content: { text: string }[] }[];
  return message?.content[0]?.text ?? '';
}

describe('a turn on the default lane', () => {
  it('sends the events of the protocol in order and numbers them from 0', async () => {
    await using server = await startTestServer({ turns: [textTurn('Hello you.')] });
    using socket = await TestSocket.open(server.url);
    socket.create({});
    const frames = await socket.turn();
    expect(frames.map((frame) => frame.type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(frames.map((frame) => frame.sequence_number)).toEqual(frames.map((_, index) => index));
    expect(frames.every((frame) => !('stream_id' in frame))).toBe(true);
  });

  it('pads deltas to 16 characters, unless the client declines', async () => {
    await using server = await startTestServer({ turns: [textTurn('Hello you.')] });
    using socket = await TestSocket.open(server.url);
    socket.create({});
    const padded = (await socket.turn()).filter((frame) => frame.type === 'response.output_text.delta');
    expect(padded.map((frame) => (frame as { delta: string }).delta.length + (frame.obfuscation?.length ?? 0))).toEqual(
      [16, 16, 16],
    );
    socket.create({ stream_options: { include_obfuscation: false } });
    const plain = (await socket.turn()).filter((frame) => frame.type === 'response.output_text.delta');
    expect(plain.some((frame) => 'obfuscation' in frame)).toBe(false);
  });

  it('restarts the numbers with each response', async () => {
    await using server = await startTestServer();
    using socket = await TestSocket.open(server.url);
    for (let turn = 0; turn < 3; turn++) {
      socket.create({});
      expect((await socket.turn())[0]).toMatchObject({ type: 'response.created', sequence_number: 0 });
    }
  });

  it('runs creates one after another in the order in which they came', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    for (const input of ['one', 'two', 'three']) socket.create({ input });
    const texts = [];
    for (let turn = 0; turn < 3; turn++) {
      const frames = await socket.turn();
      expect(frames[0]?.type).toBe('response.created');
      const last = frames.at(-1);
      if (last && 'response' in last) texts.push(textOf(last.response));
    }
    expect(texts).toEqual(['user:one', 'user:two', 'user:three']);
  });
});

describe('continuation with store:false', () => {
  it('gives the model the whole chain and asks for the new items only', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    let parent: string | null = null;
    for (const input of ['a', 'b', 'c']) {
      socket.create({ input, previous_response_id: parent });
      const response = await socket.response();
      expect(response.previous_response_id).toBe(parent);
      parent = response.id;
    }
    expect(calls.filter((call) => call.kind === 'extend').map((call) => call.items)).toEqual([1, 1, 1, 1, 1, 1]);
    const last = calls.findLast((call) => call.kind === 'generate');
    expect(last?.request.context.items).toHaveLength(5);
  });

  it('takes a tool output for a call of the response before', async () => {
    await using server = await startTestServer({
      turns: [callTurn(['call_1', 'weather', '{"city":"Oslo"}'], ['call_2', 'weather', '{}']), textTurn('Cold.')],
    });
    using socket = await TestSocket.open(server.url);
    socket.create({ input: 'Weather?' });
    const calls = await socket.response();
    expect(calls.output).toMatchObject([{ call_id: 'call_1' }, { call_id: 'call_2' }]);
    socket.create({
      previous_response_id: calls.id,
      input: ['call_1', 'call_2'].map((call_id) => ({ type: 'function_call_output', call_id, output: '-3' })),
    });
    expect(textOf(await socket.response())).toBe('Cold.');
  });

  it('chains from a warm-up, which generates nothing', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ generate: false, input: [{ type: 'message', role: 'developer', content: 'Be kind.' }] });
    const frames = await socket.turn();
    expect(frames.map((frame) => frame.type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.completed',
    ]);
    const warm = frames.at(-1);
    if (!warm || !('response' in warm)) throw new Error('no response');
    expect(warm.response).toMatchObject({ output: [], usage: { input_tokens: 1, output_tokens: 0 } });
    expect(calls.some((call) => call.kind === 'warm')).toBe(true);
    socket.create({ previous_response_id: warm.response.id, input: 'Hi.' });
    expect(textOf(await socket.response())).toBe('developer:Be kind. | user:Hi.');
  });

  it('accepts an empty input', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ generate: false, input: 'Hi.' });
    const { id } = await socket.response();
    socket.create({ previous_response_id: id, input: [] });
    expect(textOf(await socket.response())).toBe('user:Hi.');
  });

  it('keeps only the newest response of a lane', async () => {
    await using server = await startTestServer();
    using socket = await TestSocket.open(server.url);
    socket.create({});
    const first = await socket.response();
    socket.create({ previous_response_id: first.id });
    await socket.response();
    socket.create({ previous_response_id: first.id });
    expect((await socket.error()).error.code).toBe('previous_response_not_found');
  });

  it('forgets everything when the socket closes', async () => {
    await using server = await startTestServer();
    using former = await TestSocket.open(server.url);
    former.create({});
    const { id } = await former.response();
    await former.close();
    using socket = await TestSocket.open(server.url);
    socket.create({ previous_response_id: id });
    expect((await socket.error()).error.code).toBe('previous_response_not_found');
    socket.create({});
    expect((await socket.response()).status).toBe('completed');
  });

  it('finds a stored response on another socket', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    using former = await TestSocket.open(server.url);
    former.create({ input: 'a', store: true });
    const first = await former.response();
    former.create({ input: 'b', store: true, previous_response_id: first.id });
    const second = await former.response();
    await former.close();
    using socket = await TestSocket.open(server.url);
    socket.create({ input: 'c', previous_response_id: second.id });
    expect(textOf(await socket.response())).toBe('user:a | assistant | user:b | assistant | user:c');
  });
});
