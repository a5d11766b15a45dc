/** What random clients and hostile input have found, as fixed examples. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer, TestSocket, type Frame } from '../harness.ts';

const usage = { inputTokens: 1, cachedTokens: 0, outputTokens: 1, reasoningTokens: 0 };

/** An engine whose turns wait while their newest item says "hold", and that calls a tool where it says "ring". */
function createHoldingEngine() {
  const gate = Promise.withResolvers<void>();
  const { engine, calls } = createEchoEngine({
    hold: ({ context }) => (JSON.stringify(context.items.at(-1)).includes('hold') ? gate.promise : undefined),
    answer: ({ context }) =>
      JSON.stringify(context.items.at(-1)).includes('ring')
        ? [
            { type: 'call.start', kind: 'function', name: 'look', callId: 'call_1' },
            { type: 'end', reason: 'stop', usage },
          ]
        : [{ type: 'text.delta', delta: context.items.map(({ type }) => type).join(' ') }],
  });
  return { engine, calls, release: gate.resolve };
}

async function until(socket: TestSocket, type: string): Promise<Frame> {
  for (;;) {
    const frame = await socket.next();
    if (frame.type === type) return frame;
  }
}

/** Resolves when the server has received everything that was sent. */
async function received(socket: TestSocket): Promise<void> {
  const pong = once(socket.socket, 'pong');
  socket.socket.ping();
  await pong;
}

describe('a full queue', () => {
  it('refuses nothing that need not wait', async () => {
    const { engine, release } = createHoldingEngine();
    await using server = await startTestServer({ engines: [engine], flags: ['--max-queued', '0'] });
    using socket = await TestSocket.open(server.url);
    socket.create({ stream_id: 'a', input: 'hold' });
    socket.create({ stream_id: 'b', input: 'Hi.' });
    expect((await socket.response('b')).status).toBe('completed');
    release();
    expect((await socket.response('a')).status).toBe('completed');
  });

  it('refuses in the order of the lane: no answer overtakes another', async () => {
    const { engine, release } = createHoldingEngine();
    await using server = await startTestServer({ engines: [engine], flags: ['--max-queued', '1'] });
    using socket = await TestSocket.open(server.url);
    for (const input of ['hold', 'waits', 'is refused']) socket.create({ input });
    await received(socket);
    release();
    const ends: string[] = [];
    while (ends.length < 3) ends.push((await socket.turn()).at(-1)?.type ?? '');
    expect(ends).toEqual(['response.completed', 'response.completed', 'error']);
  });
});

describe('a failure in the middle of an item', () => {
  it('leaves the item open and out of the response: a client would take half a call for a whole one', async () => {
    const { engine } = createEchoEngine({
      hold: () => Promise.reject(new Error('The model fell over.')),
      answer: () => [{ type: 'text.delta', delta: 'Half a' }],
    });
    await using server = await startTestServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({});
    const frames = await socket.turn();
    expect(frames.map((frame) => frame.type).slice(-2)).toEqual(['response.output_text.delta', 'response.failed']);
    expect(frames.at(-1)).toMatchObject({ response: { output: [] } });
  });
});

describe('a steer of a response that waits for tool outputs', () => {
  it('is not told to wait for a request that is here already', async () => {
    const { engine, release } = createHoldingEngine();
    await using server = await startTestServer({ engines: [engine], flags: ['--max-in-flight', '1'] });
    using socket = await TestSocket.open(server.url);
    socket.create({ stream_id: 'a', input: 'ring' });
    const { id } = await socket.response('a');
    socket.create({ stream_id: 'b', input: 'hold' });
    await until(socket, 'response.output_text.delta');
    const output = { type: 'function_call_output', call_id: 'call_1', output: 'x' };
    socket.create({ stream_id: 'a', previous_response_id: id, input: [output] });
    socket.send({ type: 'response.steer', previous_response_id: id, input: 'and this' });
    await until(socket, 'response.steer.accepted');
    await received(socket);
    release();
    const rest: Frame[] = [];
    while (rest.at(-1)?.type !== 'response.completed' || rest.at(-1)?.stream_id !== 'a') rest.push(await socket.next());
    expect(rest.map((frame) => frame.type)).not.toContain('response.steer.pending');
    expect(JSON.stringify(rest.at(-1))).toContain('message function_call message function_call_output');
  });
});

describe('an engine that throws where it must not', () => {
  it('costs the lane nothing that it was told, and the process lives', async () => {
    const { engine } = createEchoEngine();
    const release = () => {
      throw new Error('It slipped.');
    };
    await using server = await startTestServer({ engines: [{ ...engine, release }] });
    using socket = await TestSocket.open(server.url);
    for (let turn = 0; turn < 3; turn++) {
      socket.create({ input: `Turn ${turn}.` });
      expect((await socket.response()).status).toBe('completed');
    }
    socket.create({ previous_response_id: 'resp_none' });
    expect((await socket.error()).error.code).toBe('previous_response_not_found');
  });
});

describe('an error that cannot even be read', () => {
  it('ends its own request, and nothing else', async () => {
    const unreadable = Object.defineProperty(new Error(), 'message', {
      get() {
        throw new Error('Unreadable.');
      },
    });
    const { engine } = createEchoEngine({
      hold: ({ context }) => (JSON.stringify(context.items).includes('fail') ? Promise.reject(unreadable) : undefined),
    });
    await using server = await startTestServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ input: 'fail' });
    expect((await socket.error()).error.code).toBe('server_error');
    socket.create({ input: 'Go on.' });
    expect((await socket.response()).status).toBe('completed');
  });
});

describe('a socket that closes while its request is being opened', () => {
  it('starts no turn', async () => {
    const memory = createMemoryStore();
    await using former = await startTestServer({ store: memory });
    using first = await TestSocket.open(former.url);
    first.create({ store: true });
    const { id } = await first.response();

    const asked = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const slow: Store = {
      ...memory,
      async chain(...args) {
        asked.resolve();
        await gate.promise;
        return memory.chain(...args);
      },
      close: async () => {},
    };
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine], store: slow });
    using socket = await TestSocket.open(server.url);
    socket.create({ previous_response_id: id });
    await asked.promise;
    await socket.close();
    gate.resolve();
    using other = await TestSocket.open(server.url);
    other.create({ input: 'Anyone?' });
    await other.response();
    expect(calls.filter((call) => call.kind === 'generate')).toHaveLength(1);
  });
});

/** A frame whose value "nested" is so many levels deep: `JSON.stringify` could not write it. */
function frameOf(fields: object, levels: number): string {
  const frame = JSON.stringify({ type: 'response.create', model: 'test-model', input: 'Hi.', ...fields });
  return frame.replace('"nested"', `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);
}

describe('JSON that is nested too deep', () => {
  it.each([
    ['tool parameters', { tools: [{ type: 'function', name: 'f', parameters: 'nested' }] }],
    ['an unknown field', { novelty: 'nested' }],
    ['an item', { input: [{ type: 'slug:novelty', deep: 'nested' }] }],
    [
      'a steer',
      {
        type: 'response.steer',
        previous_response_id: 'resp_1',
        input: [{ role: 'user', content: '', deep: 'nested' }],
      },
    ],
  ])('in %s is refused, and the socket goes on', async (_name, fields) => {
    await using server = await startTestServer();
    using socket = await TestSocket.open(server.url);
    socket.send(frameOf(fields, 6000));
    expect(await socket.error()).toMatchObject({ status: 400, error: { type: 'invalid_request_error' } });
    socket.create({});
    expect((await socket.response()).status).toBe('completed');
  });

  it('is no deeper than what real schemas have', async () => {
    await using server = await startTestServer();
    using socket = await TestSocket.open(server.url);
    socket.send(frameOf({ tools: [{ type: 'function', name: 'f', parameters: 'nested' }] }, 100));
    expect((await socket.response()).status).toBe('completed');
  });

  it('is refused over HTTP as well', async () => {
    await using server = await startTestServer();
    const body = frameOf({ type: undefined, tools: [{ type: 'function', name: 'f', parameters: 'nested' }] }, 6000);
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${server.url}/responses`, { method: 'POST', headers, body })).status).toBe(400);
  });
});
