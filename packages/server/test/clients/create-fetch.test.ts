/** `createFetch` under the real SDKs, unmodified: what they see, and what of it goes over the line. */
import { createOpenAI } from '@ai-sdk/openai';
import { Agent, OpenAIProvider, Runner, tool as agentTool } from '@openai/agents';
import { createFetch, createNetworkMemory } from '@longwire/client';
import type { FetchOptions, SocketFetch } from '@longwire/client';
import { errors } from '@longwire/protocol';
import { generateText, isStepCount, streamText, tool } from 'ai';
import OpenAI, { APIConnectionError, APIUserAbortError, BadRequestError, InternalServerError } from 'openai';
import type { ResponseInputItem } from 'openai/resources/responses/responses';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createEchoEngine, createHeldEngine } from '../echo-engine.ts';
import { callTurn, startTestServer, textTurn } from '../harness.ts';
import { startFaultyServer } from './faulty-server.ts';
import type { FaultyServer } from './faulty-server.ts';

const model = 'test-model';
const cities = ['Paris', 'Rome', 'Oslo', 'Bonn'];
/** Four calls, one after the other, and an answer. */
const turns = [
  ...cities.map((city) => callTurn([`call_${city}`, 'get_weather', `{"city": "${city}"}`])),
  textTurn('It rains everywhere.'),
];
const weather = z.object({ city: z.string() });
const question = `Weather in ${cities.join(', ')}? ${'Think of everything that matters. '.repeat(100)}`;

function createTestFetch(options: FetchOptions = {}): SocketFetch & Disposable {
  const made = createFetch({ networkMemory: createNetworkMemory(), ...options });
  return Object.assign(made, { [Symbol.dispose]: () => made.close() });
}

function clientOf(server: { url: string }, fetch: SocketFetch, options: { maxRetries?: number } = {}): OpenAI {
  return new OpenAI({ baseURL: server.url, apiKey: 'unused', maxRetries: 0, ...options, fetch });
}

/** What came over the line for each request: which socket (0 is HTTP), and how many items. */
function sent({ proxy }: FaultyServer): (readonly [socket: number, items: number])[] {
  return proxy.requests.map(({ socket, items }) => [socket, items] as const);
}

/** Five requests on one socket, of which all but the first bring one tool output. */
const deltas = [1, 1, 1, 1, 1].map((items) => [1, items] as const);

describe('the official SDK', () => {
  async function runTools(client: OpenAI, store: boolean): Promise<string> {
    const input: ResponseInputItem[] = [{ role: 'user', content: question }];
    for (;;) {
      const { output, output_text: text } = await client.responses.create({ model, input, store });
      input.push(...(output as ResponseInputItem[]));
      const calls = output.filter((item) => item.type === 'function_call');
      if (calls.length === 0) return text;
      for (const { call_id } of calls) input.push({ type: 'function_call_output', call_id, output: 'rain' });
    }
  }

  it.each([false, true])('a tool loop with its whole history sends deltas (store: %s)', async (store) => {
    await using server = await startFaultyServer({ turns });
    using fetch = createTestFetch();
    expect(await runTools(clientOf(server, fetch), store)).toBe('It rains everywhere.');
    expect(sent(server)).toEqual(deltas);
    const [first, ...later] = server.proxy.requests;
    expect(first?.bytes).toBeGreaterThan(question.length);
    for (const { bytes } of later) expect(bytes).toBeLessThan(400);
  });

  it('streams, and its helper puts the response together', async () => {
    const { engine } = createEchoEngine();
    await using server = await startFaultyServer({ engines: [engine] });
    using fetch = createTestFetch();
    const client = clientOf(server, fetch);
    const { data, response } = await client.responses.create({ model, input: 'one', stream: true }).withResponse();
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('longwire-transport')).toBe('websocket');
    const types: string[] = [];
    for await (const event of data) {
      types.push(event.type);
      expect(event).not.toHaveProperty('stream_id');
    }
    expect(types.slice(0, 2)).toEqual(['response.created', 'response.in_progress']);
    expect(types.at(-1)).toBe('response.completed');
    const helper = client.responses.stream({ model, input: 'two' });
    let text = '';
    helper.on('response.output_text.delta', ({ delta }) => (text += delta));
    const whole = await helper.finalResponse();
    expect([text, whole.output_text]).toEqual(['user:two', 'user:two']);
  });

  it('the model sees the same as over HTTP, also where the conversation forks', async () => {
    const { engine } = createEchoEngine();
    await using server = await startFaultyServer({ engines: [engine] });
    using fetch = createTestFetch();
    const client = clientOf(server, fetch);
    const ask = async (...input: ResponseInputItem[]) => client.responses.create({ model, input, store: false });
    const one = { role: 'user', content: 'one' } as const;
    const trunk = await ask(one);
    const history = [one, ...(trunk.output as ResponseInputItem[])];
    const both = await Promise.all([
      ask(...history, { role: 'user', content: 'left' }),
      ask(...history, { role: 'user', content: [{ type: 'input_text', text: 'right' }] }),
    ]);
    expect(both.map(({ output_text }) => output_text)).toEqual([
      'user:one | assistant | user:left',
      'user:one | assistant | user:right',
    ]);
    expect(sent(server).map(([, items]) => items)).toEqual([1, 1, 1]);
    // Another beginning is another conversation.
    const other = await ask({ role: 'user', content: 'One' }, ...history.slice(1), { role: 'user', content: 'two' });
    expect(other.output_text).toBe('user:One | assistant | user:two');
    expect(sent(server).at(-1)).toEqual([1, 3]);
  });

  it('goes on by an id, over the same socket', async () => {
    const { engine } = createEchoEngine();
    await using server = await startFaultyServer({ engines: [engine] });
    using fetch = createTestFetch();
    const client = clientOf(server, fetch);
    const one = await client.responses.create({ model, input: 'one', store: false });
    const two = await client.responses.create({ model, input: 'two', store: false, previous_response_id: one.id });
    expect(two.output_text).toBe('user:one | assistant | user:two');
    expect(sent(server)).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });

  it.each([
    ['keeps', 'go on', 'completed', 1],
    ['does not keep', 'fail', 'failed', 0],
  ])('%s a conversation in memory whose last word is %j', async (_, last, ending, saves) => {
    const { engine } = createEchoEngine({
      answer({ context }) {
        if (JSON.stringify(context.items.at(-1)).includes('fail')) throw new Error('No.');
        return [{ type: 'text.delta', delta: 'Yes.' }];
      },
    });
    await using server = await startFaultyServer({ engines: [engine] });
    const saved: string[] = [];
    const spill = { save: async (id: string) => void saved.push(id), load: async () => '', remove: async () => {} };
    using fetch = createTestFetch({ memory: { maxBytes: 8000, spill } });
    const client = clientOf(server, fetch);
    const ask = async (...input: ResponseInputItem[]) => client.responses.create({ model, input, store: false });
    const long = { role: 'user', content: 'x'.repeat(5000) } as const;
    const one = await ask(long);
    const two = ask(long, ...(one.output as ResponseInputItem[]), { role: 'user', content: last });
    const outcome = two.then(
      () => 'completed',
      () => 'failed',
    );
    expect(await outcome).toBe(ending);
    // What can still be gone on from has to make room for another conversation; what cannot is gone.
    await ask({ role: 'user', content: 'y'.repeat(4000) });
    expect(saved).toEqual([one.id].slice(0, saves));
  });

  it('a request that stores nothing is not stored, and one that does not say is', async () => {
    await using server = await startTestServer();
    using fetch = createTestFetch();
    const client = clientOf(server, fetch);
    const kept = await client.responses.create({ model, input: 'Hi.' });
    const dropped = await client.responses.create({ model, input: 'Hi.', store: false });
    expect((await client.responses.retrieve(kept.id)).id).toBe(kept.id);
    await expect(client.responses.retrieve(dropped.id)).rejects.toThrow('404');
    // A stored response whose history was not stored brings all of it.
    const history = [{ role: 'user', content: 'Ho.' } as const];
    const unstored = await client.responses.create({ model, input: history, store: false });
    const input = [...history, ...(unstored.output as ResponseInputItem[]), { role: 'user', content: 'Hi.' } as const];
    const stored = await client.responses.create({ model, input });
    expect((await client.responses.inputItems.list(stored.id)).data).toHaveLength(3);
  });

  it('parallel calls share one socket', async () => {
    const all = Promise.withResolvers<void>();
    let running = 0;
    const hold = () => {
      running += 1;
      if (running === 5) all.resolve();
      return all.promise;
    };
    await using server = await startFaultyServer({ engines: [createEchoEngine({ hold }).engine] });
    using fetch = createTestFetch();
    const client = clientOf(server, fetch);
    const texts = cities
      .concat('Bern')
      .map(async (input) => (await client.responses.create({ model, input })).output_text);
    expect(await Promise.all(texts)).toEqual(cities.concat('Bern').map((city) => `user:${city}`));
    expect(server.proxy.opened).toBe(1);
  });

  it('more calls than lanes wait for each other', async () => {
    const { engine } = createEchoEngine();
    await using server = await startFaultyServer({ engines: [engine] });
    using fetch = createTestFetch({ maxLanes: 2 });
    const client = clientOf(server, fetch);
    const texts = cities.map(async (input) => (await client.responses.create({ model, input })).output_text);
    expect(await Promise.all(texts)).toEqual(cities.map((city) => `user:${city}`));
  });
});

describe('errors', () => {
  it.each([false, true])('a refused request is the error that it would be over HTTP (stream: %s)', async (stream) => {
    await using server = await startTestServer();
    using fetch = createTestFetch();
    const request = { model, input: 'Hi.', previous_response_id: 'resp_unknown', stream };
    const refusals = await Promise.all(
      [clientOf(server, fetch), new OpenAI({ baseURL: server.url, apiKey: 'unused' })].map(async (client) => {
        const error: unknown = await client.responses.create(request).catch((thrown: unknown) => thrown);
        if (!(error instanceof BadRequestError)) throw new Error('no such error', { cause: error });
        const { status, code, param, type, message } = error;
        return { status, code, param, type, message };
      }),
    );
    expect(refusals[0]).toMatchObject({ status: 400, code: 'previous_response_not_found' });
    expect(refusals[0]).toEqual(refusals[1]);
  });

  it('a response that fails is an HTTP error, or an event of the stream', async () => {
    const { engine } = createEchoEngine({
      answer: () => {
        throw errors.engineUnavailable('The upstream is gone.');
      },
    });
    await using server = await startTestServer({ engines: [engine] });
    using fetch = createTestFetch();
    const client = clientOf(server, fetch);
    const failed = client.responses.create({ model, input: 'Hi.' });
    await expect(failed).rejects.toThrow(InternalServerError);
    await expect(failed).rejects.toMatchObject({ status: 502, code: 'engine_unavailable' });
    const types: string[] = [];
    const stream = await client.responses.create({ model, input: 'Hi.', stream: true });
    for await (const { type } of stream) types.push(type);
    expect(types.at(-1)).toBe('response.failed');
  });

  it('a line that breaks with nothing to prove what ran is a connection error with its cause', async () => {
    const breaking = {
      at: ({ type }: { type: string }) => type === 'response.created',
      how: 'reset',
      times: 9,
    } as const;
    await using server = await startFaultyServer({}, { faults: [breaking] });
    using fetch = createTestFetch({ resume: false });
    const lost = clientOf(server, fetch).responses.create({ model, input: 'Hi.' });
    await expect(lost).rejects.toThrow(APIConnectionError);
    await expect(lost).rejects.toMatchObject({ cause: { cause: { name: 'ConnectionLostError', sent: true } } });
  });
});

describe('an abort', () => {
  it('rejects the call, and stops the server', async () => {
    const { engine, calls } = createHeldEngine();
    await using server = await startTestServer({ engines: [engine] });
    using fetch = createTestFetch();
    const client = clientOf(server, fetch);
    const abort = new AbortController();
    const stream = await client.responses.create({ model, input: 'Hi.', stream: true }, { signal: abort.signal });
    const waiting = client.responses.create({ model, input: 'Ho.' }, { signal: abort.signal });
    for await (const { type } of stream) if (type === 'response.output_text.delta') abort.abort();
    await expect(waiting).rejects.toThrow(APIUserAbortError);
    await server.drain();
    expect(calls.filter(({ kind }) => kind === 'aborted').length).toBeGreaterThan(0);
  });

  it('who stops reading stops the server', async () => {
    const { engine, calls } = createHeldEngine();
    await using server = await startTestServer({ engines: [engine] });
    using fetch = createTestFetch();
    const body = JSON.stringify({ model, input: 'Hi.', stream: true });
    const { body: events } = await fetch(`${server.url}/responses`, { method: 'POST', body });
    await events?.cancel();
    await server.drain();
    expect(calls).toContainEqual({ kind: 'aborted' });
  });
});

describe('what goes over HTTP', () => {
  it('other paths, other methods, background, and what is no JSON', async () => {
    await using server = await startFaultyServer();
    using fetch = createTestFetch();
    const client = clientOf(server, fetch);
    expect((await client.models.list()).data[0]?.id).toBe(model);
    const queued = await client.responses.create({ model, input: 'Hi.', background: true });
    expect((await client.responses.retrieve(queued.id)).id).toBe(queued.id);
    const url = `${server.url}/responses`;
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(url, { method: 'POST', body: '[]', headers })).status).toBe(400);
    const form = new Request(url, { method: 'POST', body: JSON.stringify({ model, input: 'Hi.' }), headers });
    const response = await fetch(form);
    expect([response.status, response.headers.get('longwire-transport')]).toEqual([200, null]);
    expect(server.proxy.upgrades).toBe(0);
  });

  it('everything where no socket opens, which is remembered', async () => {
    await using server = await startFaultyServer({ turns, flags: ['--no-websocket'] });
    using fetch = createTestFetch();
    const client = clientOf(server, fetch);
    for (const input of ['one', 'two']) await client.responses.create({ model, input });
    expect(sent(server).map(([socket]) => socket)).toEqual([0, 0]);
    expect(server.proxy.upgrades).toBe(1);
  });

  it('a wrong key is told as over HTTP', async () => {
    await using server = await startTestServer({ flags: ['--api-key', 'team=right'] });
    using fetch = createTestFetch();
    const wrong = clientOf(server, fetch).responses.create({ model, input: 'Hi.' });
    await expect(wrong).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
  });
});

describe('sockets', () => {
  it('are shared by calls with the same address and headers only', async () => {
    await using server = await startFaultyServer({ flags: ['--api-key', 'a=one', '--api-key', 'b=two'] });
    using fetch = createTestFetch();
    for (const apiKey of ['one', 'two', 'one']) {
      const client = new OpenAI({ baseURL: server.url, apiKey, fetch, maxRetries: 0 });
      await client.responses.create({ model, input: 'Hi.' });
    }
    expect(sent(server).map(([socket]) => socket)).toEqual([1, 2, 1]);
  });

  it('close when they are idle, and open again', async () => {
    await using server = await startFaultyServer();
    using fetch = createTestFetch({ idleMs: 20 });
    const client = clientOf(server, fetch);
    await client.responses.create({ model, input: 'Hi.' });
    await server.proxy.until(() => server.proxy.open === 0);
    expect((await client.responses.create({ model, input: 'Hi.' })).output_text).toBe('Hello.');
    expect(server.proxy.opened).toBe(2);
  });

  it.each<[string, FetchOptions]>([
    ['from the lane', {}],
    ['from the caller, where the lane has forgotten it', { memory: { maxBytes: 0 } }],
  ])('a server that starts again in the middle of a conversation gets all of it %s', async (_from, options) => {
    const { engine } = createEchoEngine();
    const first = await startTestServer({ engines: [engine] });
    using fetch = createTestFetch({ idleMs: Infinity, ...options });
    const client = clientOf(first, fetch, { maxRetries: 2 });
    const input: ResponseInputItem[] = [{ role: 'user', content: 'one' }];
    input.push(...((await client.responses.create({ model, input, store: false })).output as ResponseInputItem[]));
    await first.close();
    await using second = await startTestServer({ engines: [engine], flags: ['--port', new URL(first.url).port] });
    expect(second.url).toBe(first.url);
    input.push({ role: 'user', content: 'two' });
    const { data, response } = await client.responses.create({ model, input, store: false }).withResponse();
    expect(data.output_text).toBe('user:one | assistant | user:two');
    expect(response.headers.get('longwire-transport')).toBe('websocket');
  });
});

describe('the AI SDK', () => {
  function ask(server: FaultyServer, fetch: SocketFetch, store: boolean) {
    const openai = createOpenAI({ baseURL: server.url, apiKey: 'unused', fetch });
    return {
      model: openai.responses(model),
      tools: { get_weather: tool({ inputSchema: weather, execute: async () => 'rain' }) },
      stopWhen: isStepCount(9),
      prompt: question,
      providerOptions: { openai: { store } },
    };
  }

  it.each([false, true])('a tool loop sends deltas (store: %s)', async (store) => {
    await using server = await startFaultyServer({ turns });
    using fetch = createTestFetch();
    const { text, steps } = await generateText(ask(server, fetch, store));
    expect([text, steps.length]).toEqual(['It rains everywhere.', 5]);
    expect(sent(server)).toEqual(deltas);
  });

  it('streams', async () => {
    await using server = await startFaultyServer({ turns });
    using fetch = createTestFetch();
    let text = '';
    for await (const delta of streamText(ask(server, fetch, false)).textStream) text += delta;
    expect(text).toBe('It rains everywhere.');
    expect(sent(server)).toEqual(deltas);
  });
});

describe('the Agents SDK', () => {
  it.each([false, true])('a tool loop sends deltas (stream: %s)', async (stream) => {
    await using server = await startFaultyServer({ turns });
    using fetch = createTestFetch();
    const modelProvider = new OpenAIProvider({ openAIClient: clientOf(server, fetch), useResponses: true });
    const runner = new Runner({ modelProvider, tracingDisabled: true });
    const tools = [
      agentTool({ name: 'get_weather', description: 'Weather.', parameters: weather, execute: () => 'rain' }),
    ];
    const agent = new Agent({ name: 'Weather', instructions: 'Be brief.', model, tools });
    const run = stream ? await runner.run(agent, question, { stream }) : await runner.run(agent, question);
    if ('completed' in run) await run.completed;
    expect(run.finalOutput).toBe('It rains everywhere.');
    expect(sent(server)).toEqual(deltas);
  });
});
