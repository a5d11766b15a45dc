import type { Item } from '@longwire/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Engine, EngineEvent } from '../../../src/engine/engine.ts';
import type { ChatContext } from '../../../src/engine/openai-chat/context.ts';
import { createOpenAIChatEngine, type OpenAIChatOptions } from '../../../src/engine/openai-chat/openai-chat.ts';
import { json, say, startChatServer, stream, type ChatServer } from './chat-server.ts';
import { collect, joined, toGeneration } from './requests.ts';

let server: ChatServer;
const engines: Engine<ChatContext>[] = [];

beforeEach(async () => {
  server = await startChatServer();
});
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
  await server.close();
});

function createEngine(options: Partial<OpenAIChatOptions> = {}): Engine<ChatContext> {
  const engine = createOpenAIChatEngine({ name: 'up', baseUrl: server.baseUrl, ...options });
  engines.push(engine);
  return engine;
}

const user = (text: string): Item => ({ type: 'message', role: 'user', content: text });
const never = new AbortController().signal;

function run(
  engine: Engine<ChatContext>,
  context: ChatContext,
  fields: Record<string, unknown> = {},
): Promise<EngineEvent[]> {
  return collect(engine.generate(toGeneration(context, fields), never));
}

/** A generation to be read step by step. */
function open(engine: Engine<ChatContext>, signal: AbortSignal): AsyncIterator<readonly EngineEvent[]> {
  const batches = engine.generate(toGeneration(engine.extend(null, [user('Hi')])), signal);
  return batches[Symbol.asyncIterator]();
}

/** Turns until one of them came on a connection that an earlier one left: it is free a moment after its answer. */
async function runUntilKept(engine: Engine<ChatContext>): Promise<void> {
  do await run(engine, engine.extend(null, [user('Hi')]));
  while (new Set(server.asked.map(({ port }) => port)).size === server.asked.length);
}

const usage = { prompt_tokens: 9, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 4 } };
const weather = { type: 'function', name: 'get_weather', parameters: { type: 'object' } };

describe('a turn', () => {
  it('asks for a stream and tells what comes', async () => {
    server.answer = stream(
      { choices: [{ index: 0, delta: { role: 'assistant', content: 'Hel' } }] },
      { choices: [{ index: 0, delta: { content: 'lo.' } }] },
      { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { choices: [], usage },
    );
    const engine = createEngine({ apiKey: 'sk-1', headers: { 'X-Team': 'a' } });
    const events = await run(engine, engine.extend(null, [user('Hi')]));
    expect(joined(events)).toEqual([
      { type: 'text.delta', delta: 'Hello.' },
      { type: 'end', reason: 'stop', usage: { inputTokens: 9, cachedTokens: 4, outputTokens: 3, reasoningTokens: 0 } },
    ]);
    const [asked] = server.asked;
    expect(asked).toMatchObject({ method: 'POST', path: '/v1/chat/completions' });
    expect(asked?.headers).toMatchObject({
      authorization: 'Bearer sk-1',
      'x-team': 'a',
      'content-type': 'application/json',
    });
    expect(asked?.body).toBe(
      '{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Hi"}]}',
    );
  });

  it('after another sends what that one sent, byte for byte, and its own behind it', async () => {
    server.answer = stream(
      {
        choices: [
          {
            delta: {
              tool_calls: [{ index: 0, id: 'c1', function: { name: 'get_weather', arguments: '{"city":"Oslo"}' } }],
            },
          },
        ],
      },
      {
        choices: [
          {
            delta: {
              tool_calls: [{ index: 1, id: 'c2', function: { name: 'get_weather', arguments: '{"city":"Rome"}' } }],
            },
          },
        ],
      },
      { choices: [{ delta: {}, finish_reason: 'tool_calls' }] },
    );
    const engine = createEngine();
    const first = engine.extend(null, [user('Weather in Oslo and Rome – jetzt?')]);
    const calls = (await run(engine, first, { tools: [weather] })).filter((event) => event.type === 'call.start');
    expect(calls.map(({ callId }) => callId)).toEqual(['c1', 'c2']);

    const answered = engine.extend(first, [
      { type: 'function_call', call_id: 'c1', name: 'get_weather', arguments: '{"city":"Oslo"}' },
      { type: 'function_call', call_id: 'c2', name: 'get_weather', arguments: '{"city":"Rome"}' },
    ]);
    const second = engine.extend(answered, [
      { type: 'function_call_output', call_id: 'c1', output: 'rain' },
      { type: 'function_call_output', call_id: 'c2', output: 'sun' },
    ]);
    server.answer = say('Rain and sun.');
    await run(engine, second, { tools: [weather] });

    const [one = '', two = ''] = server.asked.map(({ body }) => body);
    const prefix = one.slice(0, -']}'.length);
    expect(two.slice(0, prefix.length)).toBe(prefix);
    expect(two.slice(prefix.length)).toBe(
      ',{"role":"assistant","content":null,"tool_calls":[' +
        '{"id":"c1","type":"function","function":{"name":"get_weather","arguments":"{\\"city\\":\\"Oslo\\"}"}},' +
        '{"id":"c2","type":"function","function":{"name":"get_weather","arguments":"{\\"city\\":\\"Rome\\"}"}}]},' +
        '{"role":"tool","tool_call_id":"c1","content":"rain"},{"role":"tool","tool_call_id":"c2","content":"sun"}]}',
    );
  });

  it('takes a connection that an earlier one left', async () => {
    const engine = createEngine();
    await runUntilKept(engine);
    // The answer's end and the next request may cross, so there can be two, but never one for each turn.
    for (let turn = 0; turn < 4; turn++) await run(engine, engine.extend(null, [user('Hi')]));
    expect(new Set(server.asked.map(({ port }) => port)).size).toBeLessThan(server.asked.length - 2);
  });

  it('takes a new one when the one that was left turns out to be dead', async () => {
    const engine = createEngine();
    await runUntilKept(engine);
    const before = server.asked.length;
    server.answer = (response) => {
      server.answer = say('Hello.');
      response.destroy();
    };
    expect((await run(engine, engine.extend(null, [user('Hi')]))).at(-1)).toMatchObject({
      type: 'end',
      reason: 'stop',
    });
    const ports = server.asked.map(({ port }) => port);
    expect(ports).toHaveLength(before + 2);
    expect(ports.slice(0, -1)).not.toContain(ports.at(-1));
  });

  it('is not asked for again when a new connection dies', async () => {
    server.answer = (response) => response.destroy();
    const engine = createEngine();
    await expect(run(engine, engine.extend(null, [user('Hi')]))).rejects.toMatchObject({ entry: 'engine_unavailable' });
    expect(server.asked).toHaveLength(1);
  });

  it('of a long history sends all of it', async () => {
    const engine = createEngine();
    let context = engine.extend(null, [user('start')]);
    for (let turn = 0; turn < 300; turn++) context = engine.extend(context, [user(`${turn} ${'ż'.repeat(1000)}`)]);
    await run(engine, context);
    const { messages } = JSON.parse(server.asked[0]?.body ?? '') as { messages: { content: string }[] };
    expect(messages).toHaveLength(301);
    expect(messages[300]?.content).toBe(`299 ${'ż'.repeat(1000)}`);
  });

  it('gives the custom tool its call back', async () => {
    const call = { index: 0, id: 'c', function: { name: 'ns__exec', arguments: '{"input":"ls\\n"}' } };
    server.answer = stream(
      { choices: [{ delta: { tool_calls: [call] } }] },
      { choices: [{ finish_reason: 'tool_calls' }] },
    );
    const engine = createEngine();
    const tools = [{ type: 'namespace', name: 'ns', description: 'd', tools: [{ type: 'custom', name: 'exec' }] }];
    const events = await run(engine, engine.extend(null, [user('Hi')]), { tools });
    expect(events.slice(0, 2)).toEqual([
      { type: 'call.start', kind: 'custom', name: 'exec', namespace: 'ns', callId: 'c' },
      { type: 'call.delta', delta: 'ls\n' },
    ]);
  });

  it('understands a server that does not stream', async () => {
    server.answer = json(200, { choices: [{ message: { content: 'Hi' }, finish_reason: 'length' }], usage });
    const engine = createEngine();
    expect(await run(engine, engine.extend(null, [user('Hi')]))).toMatchObject([
      { type: 'text.delta', delta: 'Hi' },
      { type: 'end', reason: 'max_output_tokens', usage: { inputTokens: 9 } },
    ]);
  });

  it('is over when the server says so, though the connection stays open', async () => {
    server.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
    };
    const engine = createEngine();
    expect((await run(engine, engine.extend(null, [user('Hi')]))).at(-1)).toMatchObject({ type: 'end' });
  });
});

const affinityOf = (index: number): unknown => server.asked[index]?.headers['x-session-affinity'];

describe('affinity', () => {
  it('is the same for all turns of a conversation, and another for another', async () => {
    const engine = createEngine();
    const context = engine.extend(null, [user('Hi')]);
    await run(engine, context);
    await run(engine, engine.extend(context, [user('again')]));
    await run(engine, engine.extend(null, [user('Hi')]));
    expect(affinityOf(0)).toMatch(/^[0-9a-f]{32}$/);
    expect(affinityOf(1)).toBe(affinityOf(0));
    expect(affinityOf(2)).not.toBe(affinityOf(0));
  });

  it("follows the client's own key, which goes along", async () => {
    const engine = createEngine();
    for (let turn = 0; turn < 2; turn++)
      await run(engine, engine.extend(null, [user('Hi')]), { prompt_cache_key: 'thread 7' });
    expect(affinityOf(1)).toBe(affinityOf(0));
    expect(affinityOf(0)).not.toContain('thread');
    expect(server.asked[0]?.body).toContain('"prompt_cache_key":"thread 7"');
  });

  it('can be switched off', async () => {
    const engine = createEngine({ affinityHeader: null });
    await run(engine, engine.extend(null, [user('Hi')]));
    expect(server.asked[0]?.headers).not.toHaveProperty('x-session-affinity');
  });
});

describe('an abort', () => {
  it('closes the request upstream and ends the generation with its reason', async () => {
    server.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n');
    };
    const engine = createEngine();
    const abort = new AbortController();
    const events = open(engine, abort.signal);
    expect((await events.next()).value).toEqual([{ type: 'text.delta', delta: 'Hi' }]);
    const next = events.next();
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(next).rejects.toBe(reason);
    await server.asked[0]?.aborted;
  });

  it('before the first byte does the same', async () => {
    const arrived = Promise.withResolvers<void>();
    server.answer = () => arrived.resolve();
    const engine = createEngine();
    const abort = new AbortController();
    const all = collect(engine.generate(toGeneration(engine.extend(null, [user('Hi')])), abort.signal));
    await arrived.promise;
    abort.abort(new Error('enough'));
    await expect(all).rejects.toThrow('enough');
    await server.asked[0]?.aborted;
  });

  it('that came before the request sends none', async () => {
    const engine = createEngine();
    const events = engine.generate(toGeneration(engine.extend(null, [])), AbortSignal.abort(new Error('enough')));
    await expect(collect(events)).rejects.toThrow('enough');
    expect(server.asked).toHaveLength(0);
  });

  it('is what leaving the events early is, too', async () => {
    server.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n');
    };
    const engine = createEngine();
    for await (const batch of engine.generate(toGeneration(engine.extend(null, [user('Hi')])), never)) {
      expect(batch).toHaveLength(1);
      break;
    }
    await server.asked[0]?.aborted;
  });
});

function attempt(engine: Engine<ChatContext>): Promise<EngineEvent[]> {
  return run(engine, engine.extend(null, [user('Hi')]));
}

describe('a failure', () => {
  it('that the server tells becomes an error of the catalogue', async () => {
    server.answer = json(429, { error: { message: 'slow' } }, { 'retry-after': '3' });
    await expect(attempt(createEngine())).rejects.toMatchObject({ entry: 'rate_limit_exceeded', retryAfterMs: 3000 });
    server.answer = json(404, { error: { message: 'model "m" not found' } });
    await expect(attempt(createEngine())).rejects.toMatchObject({ entry: 'model_not_found', param: 'model' });
  });

  it('to connect says that the engine is not there', async () => {
    const engine = createEngine({ baseUrl: 'http://user:pass@127.0.0.1:1/v1' });
    await expect(attempt(engine)).rejects.toMatchObject({
      entry: 'engine_unavailable',
      message: "The engine 'up' cannot be reached.",
    });
  });

  it('of the connection in the middle of an answer comes after what was said', async () => {
    server.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n', () => response.destroy());
    };
    const engine = createEngine();
    const events = open(engine, never);
    expect((await events.next()).value).toEqual([{ type: 'text.delta', delta: 'Hi' }]);
    await expect(events.next()).rejects.toMatchObject({
      entry: 'engine_unavailable',
      message: expect.stringContaining('broke off'),
    });
  });

  it('of the connection after the finish reason costs nothing', async () => {
    server.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n', () =>
        response.destroy(),
      );
    };
    expect((await attempt(createEngine())).at(-1)).toMatchObject({ type: 'end', reason: 'stop' });
  });

  it('to say anything in time is a time-out, before the answer and within it', async () => {
    server.answer = () => {};
    const silent = createEngine({ firstByteTimeoutMs: 20 });
    await expect(attempt(silent)).rejects.toMatchObject({ entry: 'engine_timeout' });
    await server.asked[0]?.aborted;

    server.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n');
    };
    const stalling = createEngine({ stallTimeoutMs: 20 });
    await expect(attempt(stalling)).rejects.toMatchObject({ entry: 'engine_timeout' });
    await server.asked[1]?.aborted;
  });
});

describe('models', () => {
  it('are what the upstream lists, asked once per while', async () => {
    let now = 0;
    const engine = createEngine({ modelsTtlMs: 1000, now: () => now });
    const expected = [{ id: 'm', created: 1, ownedBy: 'me', contextTokens: 4096 }];
    expect(await Promise.all([engine.models(), engine.models()])).toEqual([expected, expected]);
    expect(server.asked).toHaveLength(1);
    now = 1000;
    await engine.models();
    expect(server.asked).toHaveLength(2);
    expect(server.asked[0]).toMatchObject({ method: 'GET', path: '/v1/models' });
  });

  it.each([
    ['llama-server', { data: [{ id: 'x', meta: { n_ctx: 512, n_ctx_train: 4096 } }] }, 512],
    ['OpenRouter', { data: [{ id: 'x', context_length: 1000 }] }, 1000],
    ['a bare list', [{ id: 'x' }], undefined],
  ])('as %s lists them', async (_, body, contextTokens) => {
    server.answerModels = json(200, body);
    const [model] = await createEngine().models();
    expect(model).toMatchObject({ id: 'x', ownedBy: 'upstream' });
    expect(model?.contextTokens).toBe(contextTokens);
  });

  it.each([
    ['refuses', json(401, {})],
    ['has no list', json(404, {})],
    ['answers something else', json(200, { hello: 1 })],
  ])('cannot be told when the upstream %s', async (_, answer) => {
    server.answerModels = answer;
    await expect(createEngine().models()).rejects.toMatchObject({ entry: 'engine_unavailable' });
  });

  it('that were named need no list, and gain by one', async () => {
    server.answerModels = json(404, {});
    expect(await createEngine({ models: ['a'] }).models()).toEqual([{ id: 'a', created: 0, ownedBy: 'upstream' }]);
    server.answerModels = json(200, { data: [{ id: 'a', context_length: 7 }, { id: 'b' }] });
    expect(await createEngine({ models: ['a'] }).models()).toMatchObject([{ id: 'a', contextTokens: 7 }]);
  });
});
