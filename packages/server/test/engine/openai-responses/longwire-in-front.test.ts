/** Longwire in front of Longwire: the client sees one server, whatever happens between the two. */
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import {
  createOpenAIResponsesEngine,
  type OpenAIResponsesOptions,
} from '../../../src/engine/openai-responses/openai-responses.ts';
import type { RunningServer } from '../../../src/server.ts';
import { createEchoEngine, type EchoCall } from '../../echo-engine.ts';
import { startChaosProxy } from '../../../src/chaos/proxy.ts';
import { callTurn, createTestEngine, startTestServer, TestSocket, textTurn } from '../../harness.ts';

function inFrontOf(upstream: RunningServer, options: Partial<OpenAIResponsesOptions> = {}) {
  const engine = createOpenAIResponsesEngine({ name: 'up', baseUrl: upstream.url, acceptsCancel: true, ...options });
  return startTestServer({ engines: [engine as Engine] });
}

/** For every generation of the upstream's engine: whether it continued, and how many new items came with it. */
function turnsOf(calls: readonly EchoCall[]): [continued: boolean, items: number][] {
  return calls.flatMap((call) => {
    if (call.kind !== 'generate') return [];
    const { requested } = call.request;
    return [[typeof requested.previous_response_id === 'string', requested.input.length] as [boolean, number]];
  });
}

function textOf(response: { output: readonly object[] }): string {
  const [message] = response.output as { content?: { text?: string }[] }[];
  return message?.content?.map((part) => part.text ?? '').join('') ?? '';
}

describe('a conversation through two servers', () => {
  it('costs the upstream only what is new, turn by turn', async () => {
    const { engine, calls } = createEchoEngine();
    await using upstream = await startTestServer({ engines: [engine] });
    await using front = await inFrontOf(upstream);
    using socket = await TestSocket.open(front.url);

    socket.create({ input: 'One.' });
    const first = await socket.response();
    socket.create({ input: 'Two.', previous_response_id: first.id });
    const second = await socket.response();
    socket.create({ input: 'Three.', previous_response_id: second.id });
    const third = await socket.response();

    expect(textOf(third)).toBe('user:One. | assistant | user:Two. | assistant | user:Three.');
    expect(third.usage?.input_tokens).toBe(5);
    expect(turnsOf(calls)).toEqual([
      [false, 1],
      [true, 1],
      [true, 1],
    ]);
    expect(first.id).not.toBe(second.id);
  });

  it('survives the upstream losing every socket', async () => {
    const { engine, calls } = createEchoEngine();
    await using upstream = await startTestServer({ engines: [engine] });
    await using proxy = await startChaosProxy({ target: new URL(upstream.url) });
    await using front = await inFrontOf(upstream, { baseUrl: proxy.url });
    using socket = await TestSocket.open(front.url);
    let previous: string | null = null;
    let said = '';
    for (const input of ['One.', 'Two.', 'Three.']) {
      socket.create({ input, previous_response_id: previous });
      const response = await socket.response();
      previous = response.id;
      said = textOf(response);
      await proxy.breakAll({ kind: 'reset', after: false });
    }
    expect(said).toBe('user:One. | assistant | user:Two. | assistant | user:Three.');
    expect(turnsOf(calls)).toEqual([
      [false, 1],
      [false, 3],
      [false, 5],
    ]);
  });

  it('needs no WebSocket upstream', async () => {
    const { engine, calls } = createEchoEngine();
    await using upstream = await startTestServer({ engines: [engine], flags: ['--no-websocket'] });
    await using front = await inFrontOf(upstream);
    using socket = await TestSocket.open(front.url);
    socket.create({ input: 'One.' });
    const first = await socket.response();
    socket.create({ input: 'Two.', previous_response_id: first.id });
    expect(textOf(await socket.response())).toBe('user:One. | assistant | user:Two.');
    expect(turnsOf(calls)).toEqual([
      [false, 1],
      [false, 3],
    ]);
  });

  it('carries calls, their outputs, and lanes side by side', async () => {
    const turns = [callTurn(['call_1', 'look', '{"at":1}']), textTurn('Seen.')];
    await using upstream = await startTestServer({ engines: [createTestEngine(turns)] });
    await using front = await inFrontOf(upstream);
    const tools = [{ type: 'function', name: 'look', parameters: { type: 'object', properties: {} } }];
    const lanes = ['a', 'b', 'c', 'd'];
    const done = await Promise.all(
      lanes.map(async (stream_id) => {
        using own = await TestSocket.open(front.url);
        own.create({ stream_id, tools });
        const called = await own.response(stream_id);
        const output = { type: 'function_call_output', call_id: 'call_1', output: 'Here.' };
        own.create({ stream_id, tools, previous_response_id: called.id, input: [output] });
        return [called.output[0], textOf(await own.response(stream_id))];
      }),
    );
    for (const [call, text] of done) {
      expect(call).toMatchObject({ type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{"at":1}' });
      expect(text).toBe('Seen.');
    }
  });

  it('stops the upstream when the client cancels, and goes on', async () => {
    const hold = Promise.withResolvers<void>();
    const { engine, calls } = createEchoEngine({
      hold: ({ requested }) => (JSON.stringify(requested.input).includes('Hold.') ? hold.promise : undefined),
    });
    await using upstream = await startTestServer({ engines: [engine] });
    await using front = await inFrontOf(upstream);
    using socket = await TestSocket.open(front.url);
    socket.create({ input: 'Hold.' });
    let frame = await socket.next();
    const id = 'response' in frame ? frame.response.id : '';
    while (frame.type !== 'response.output_text.delta') frame = await socket.next();
    socket.send({ type: 'response.cancel', response_id: id });
    expect((await socket.response()).status).toBe('incomplete');
    expect(calls.filter((call) => call.kind === 'aborted')).toHaveLength(1);
    socket.create({ input: 'Next.' });
    expect(textOf(await socket.response())).toBe('user:Next.');
    hold.resolve();
  });

  it('hands the model list on, and the upstream refusals as they are', async () => {
    const { engine } = createEchoEngine();
    await using upstream = await startTestServer({ engines: [engine] });
    await using front = await inFrontOf(upstream);
    expect(front.models.map(({ id }) => id)).toEqual(['test-model']);
    using socket = await TestSocket.open(front.url);
    socket.create({ model: 'other' });
    expect((await socket.error()).error.code).toBe('model_not_found');
  });
});
