/** Our own client and a real server, with a proxy between them that cuts. */
import { createServer } from 'node:http';
import { connect as connectTcp } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { connect, ConnectionLostError, createNetworkMemory } from '@longwire/client';
import type { Connection, ConnectionStatus, ConnectOptions } from '@longwire/client';
import type { Response, ServerEvent } from '@longwire/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer } from '../harness.ts';
import { FaultProxy } from './fault-proxy.ts';
import type { FaultPlan } from './fault-proxy.ts';

const model = 'test-model';
const retry = { baseMs: 10, maxMs: 50 };

async function open(baseUrl: string, options: Partial<ConnectOptions> = {}): Promise<Connection & Disposable> {
  const connection = await connect({ baseUrl, retry, networkMemory: createNetworkMemory(), ...options });
  return Object.assign(connection, { [Symbol.dispose]: () => connection.close() });
}

function textOf({ output }: Response): string {
  return output
    .flatMap((item) => (item.type === 'message' ? item.content : []))
    .map((part) => ('text' in part ? part.text : ''))
    .join('');
}

/** A server that says what it was asked, and a proxy in front of it. */
async function startPair(plan: FaultPlan = {}, flags: readonly string[] = []) {
  const { engine, calls } = createEchoEngine();
  const server = await startTestServer({ engines: [engine], flags });
  const proxy = await FaultProxy.start(server.url, plan);
  return {
    server,
    proxy,
    /** How often the model was asked. */
    generations: () => calls.filter(({ kind }) => kind === 'generate').length,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

/** Cuts before an event of this type reaches the client, in the second response and after. */
function cutLaterAt(type: string): FaultPlan {
  let responses = 0;
  return {
    faults: [
      {
        at: (event) => {
          if (event.type === 'response.created') responses += 1;
          return responses > 1 && event.type === type;
        },
        how: 'reset',
        times: 1,
      },
    ],
  };
}

/** An echo whose first response never ends by itself. `held`: it runs. */
function createHeldEngine() {
  const held = Promise.withResolvers<void>();
  const { engine } = createEchoEngine({
    hold: ({ context }) => {
      if (context.items.length > 1) return undefined;
      held.resolve();
      return new Promise(() => {});
    },
  });
  return { engine, held: held.promise };
}

describe('a cut', () => {
  it.each(['response.created', 'response.output_text.delta', 'response.output_item.done', 'response.completed'])(
    'before %s loses nothing, doubles nothing and replays nothing',
    async (type) => {
      await using pair = await startPair(cutLaterAt(type));
      using connection = await open(pair.proxy.baseUrl);
      const lane = connection.lane('agent');
      await lane.create({ model, input: 'one' }).response;
      const turn = lane.create({ model, input: 'two' });
      const events: ServerEvent[] = [];
      for await (const event of turn) events.push(event);
      expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
      expect(textOf(await turn.response)).toBe('user:one | assistant | user:two');
      const last = await lane.create({ model, input: 'three' }).response;
      expect(textOf(last)).toBe('user:one | assistant | user:two | assistant | user:three');
      expect(pair.generations()).toBe(3);
      expect(pair.proxy.opened).toBe(2);
      expect(pair.proxy.requests.map(({ items }) => items)).toEqual([1, 1, 1]);
    },
  );

  it('between turns goes unnoticed, under store:false', async () => {
    await using pair = await startPair();
    const states: string[] = [];
    using connection = await open(pair.proxy.baseUrl, { onStatus: ({ state }) => void states.push(state) });
    const lane = connection.lane();
    const first = await lane.create({ model, input: 'one' }).response;
    await pair.proxy.breakAll('reset');
    const second = await lane.create({ model, input: 'two' }).response;
    expect(second.previous_response_id).toBe(first.id);
    expect(states).toEqual(['connecting', 'open', 'resuming', 'open']);
  });

  it.each(['response.created', 'response.output_text.delta', 'response.completed'])(
    'that swallows all the server has said, up to %s of the first turn, is recovered by the key of the request',
    async (type) => {
      await using pair = await startPair({ faults: [{ at: (event) => event.type === type, how: 'reset', times: 1 }] });
      using connection = await open(pair.proxy.baseUrl);
      const lane = connection.lane();
      const turn = lane.create({ model, input: 'one' });
      const numbers: (number | undefined)[] = [];
      for await (const { sequence_number: number } of turn) numbers.push(number);
      expect(numbers).toEqual(numbers.map((_, index) => index));
      expect(pair.generations()).toBe(1);
      expect(textOf(await lane.create({ model, input: 'two' }).response)).toBe('user:one | assistant | user:two');
    },
  );

  it('again and again still ends', async () => {
    let isArmed = false;
    await using pair = await startPair({ faults: [{ at: () => isArmed, how: 'reset', times: 60 }] });
    using connection = await open(pair.proxy.baseUrl);
    const lane = connection.lane();
    await lane.create({ model, input: 'one' }).response;
    isArmed = true;
    expect(textOf(await lane.create({ model, input: 'two' }).response)).toBe('user:one | assistant | user:two');
    expect(pair.generations()).toBe(2);
    expect(pair.proxy.opened).toBeGreaterThan(2);
  });

  it('without a resumable connection is an error that says what is known', async () => {
    await using pair = await startPair(cutLaterAt('response.completed'));
    using connection = await open(pair.proxy.baseUrl, { resume: false });
    const lane = connection.lane();
    const first = await lane.create({ model, input: 'one' }).response;
    const turn = lane.create({ model, input: 'two' });
    const error = await turn.response.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(error).toMatchObject({ sent: true, code: 1006 });
    expect(lane.newest).toBe(first.id);
    expect(textOf(await lane.create({ model, input: 'three' }).response)).toBe('user:one | assistant | user:three');
  });

  it('without a resumable connection, between turns: the whole conversation is sent once, then deltas again', async () => {
    await using pair = await startPair();
    const states: ConnectionStatus[] = [];
    using connection = await open(pair.proxy.baseUrl, {
      resume: false,
      onStatus: (status) => void states.push(status),
    });
    const lane = connection.lane('agent');
    await lane.create({ model, input: 'one' }).response;
    await pair.proxy.breakAll('reset');
    expect(textOf(await lane.create({ model, input: 'two' }).response)).toBe('user:one | assistant | user:two');
    await lane.create({ model, input: 'three' }).response;
    expect(pair.proxy.requests.map(({ items, isOwnChain }) => [items, isOwnChain])).toEqual([
      [1, true],
      [3, true],
      [1, true],
    ]);
    expect(states).toContainEqual({
      state: 'replaying',
      reason: 'the server has lost the conversation',
      lane: 'agent',
    });
  });

  it('does not cost a stored conversation its history', async () => {
    await using pair = await startPair();
    using connection = await open(pair.proxy.baseUrl, { resume: false });
    const lane = connection.lane();
    const first = await lane.create({ model, input: 'one', store: true }).response;
    await pair.proxy.breakAll('reset');
    const second = await lane.create({ model, input: 'two', store: true }).response;
    expect(second.previous_response_id).toBe(first.id);
    expect(pair.proxy.requests.map(({ items }) => items)).toEqual([1, 1]);
  });
});

describe('a server that forgets', () => {
  it('an id gets the whole conversation, once, on the same socket', async () => {
    await using pair = await startPair({ strayIds: 1 });
    using connection = await open(pair.proxy.baseUrl);
    const lane = connection.lane();
    await lane.create({ model, input: 'one' }).response;
    const turn = lane.create({ model, input: 'two' });
    const types: string[] = [];
    for await (const { type } of turn) types.push(type);
    expect(types).not.toContain('error');
    expect(textOf(await turn.response)).toBe('user:one | assistant | user:two');
    expect(pair.proxy.opened).toBe(1);
  });

  it.each([true, false])('everything, as it is replaced between two turns; resume: %s', async (resume) => {
    const first = await startTestServer({ engines: [createEchoEngine().engine] });
    const { port } = new URL(first.url);
    using connection = await open(first.url, { resume, retry: { baseMs: 20, maxMs: 100, attempts: 50 } });
    const lanes = ['a', 'b'].map((name) => connection.lane(name));
    for (const lane of lanes) await lane.create({ model, input: `${lane.name}1` }).response;
    await first.close();
    const turns = lanes.map((lane) => lane.create({ model, input: `${lane.name}2` }));
    await using second = await startTestServer({ engines: [createEchoEngine().engine], flags: ['--port', port] });
    expect(second.url).toBe(first.url);
    const answers = await Promise.all(turns.map(({ response }) => response));
    expect(answers.map(textOf)).toEqual(['user:a1 | assistant | user:a2', 'user:b1 | assistant | user:b2']);
    // From now on it is deltas again.
    const [third] = await Promise.all(lanes.map((lane) => lane.create({ model, input: 'x' }).response));
    expect(third?.previous_response_id).toBe(answers[0]?.id);
  });
});

describe('rotation', () => {
  const lifetimeMs = 30 * 60_000;

  // Time goes on by itself, so that everything else is as ever; a socket grows old when a test says so.
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('takes lanes and running turns along where the server can resume', async () => {
    await using pair = await startPair();
    using connection = await open(pair.proxy.baseUrl, { lifetimeMs });
    const lane = connection.lane();
    const first = await lane.create({ model, input: 'one' }).response;
    vi.advanceTimersByTime(lifetimeMs);
    await pair.proxy.until(() => pair.proxy.opened === 2);
    const second = await lane.create({ model, input: 'two' }).response;
    expect(second.previous_response_id).toBe(first.id);
    expect(connection.status.state).toBe('open');
  });

  it('opens the next socket before it leaves the old one, and sends the conversation again', async () => {
    await using pair = await startPair();
    using connection = await open(pair.proxy.baseUrl, { lifetimeMs, resume: false });
    const lane = connection.lane();
    await lane.create({ model, input: 'one' }).response;
    vi.advanceTimersByTime(lifetimeMs);
    await pair.proxy.until(() => pair.proxy.opened === 2 && pair.proxy.open === 1);
    expect(textOf(await lane.create({ model, input: 'two' }).response)).toBe('user:one | assistant | user:two');
  });
});

describe('where no socket opens', () => {
  it('turns go over HTTP: the whole conversation each time, or an id where it is stored', async () => {
    await using pair = await startPair({}, ['--no-websocket']);
    const networkMemory = createNetworkMemory();
    using connection = await open(pair.proxy.baseUrl, { networkMemory });
    expect(connection.status.state).toBe('fallback');
    const lane = connection.lane('agent');
    await lane.create({ model, input: 'one' }).response;
    expect(textOf(await lane.create({ model, input: 'two' }).response)).toBe('user:one | assistant | user:two');
    const stored = await lane.create({ model, input: 'three', store: true }).response;
    const next = await lane.create({ model, input: 'four' }).response;
    expect(next.previous_response_id).toBe(stored.id);
    expect(pair.proxy.requests.map(({ items }) => items)).toEqual([1, 3, 5, 1]);
    // The next connection does not try again.
    const { upgrades } = pair.proxy;
    using later = await open(pair.proxy.baseUrl, { networkMemory });
    expect(later.status.state).toBe('fallback');
    expect(pair.proxy.upgrades).toBe(upgrades);
  });

  it.each(['response.in_progress', 'response.output_text.delta', 'response.completed'])(
    'an answer that breaks off before %s is gone on with, not asked for again',
    async (type) => {
      await using pair = await startPair({}, ['--no-websocket']);
      let posts = 0;
      const request: typeof fetch = async (url, init) => {
        const answer = await fetch(url, init);
        if (init?.method === 'POST') posts += 1;
        return posts === 1 ? new globalThis.Response(cutBefore(type, answer.body), answer) : answer;
      };
      using connection = await open(pair.server.url, { fetch: request });
      const turn = connection.lane().create({ model, input: 'one' });
      const numbers: (number | undefined)[] = [];
      for await (const { sequence_number: number } of turn) numbers.push(number);
      expect(numbers).toEqual(numbers.map((_, index) => index));
      expect(textOf(await turn.response)).toBe('user:one');
      expect([posts, pair.generations()]).toEqual([2, 1]);
    },
  );

  it('the credentials may be why', async () => {
    await using pair = await startPair({}, ['--api-key', 'team=right']);
    const refused = open(pair.proxy.baseUrl, { apiKey: 'wrong' });
    await expect(refused).rejects.toMatchObject({ name: 'ConnectError', cause: { status: 401 } });
  });

  it('lanes run side by side, and cancelling ends the request', async () => {
    const held = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const { engine } = createEchoEngine({
      hold: ({ context }) => {
        if (context.items.length > 1) return undefined;
        held.resolve();
        return go.promise;
      },
    });
    await using server = await startTestServer({ engines: [engine], flags: ['--no-websocket'] });
    using connection = await open(server.url);
    const lane = connection.lane('held');
    const turn = lane.create({ model, input: 'one' });
    await held.promise;
    const other = connection.lane('other').create({ model, input: [user('two'), user('three')] });
    expect(textOf(await other.response)).toBe('user:two | user:three');
    lane.cancel();
    await expect(turn.response).rejects.toMatchObject({ name: 'AbortError' });
    go.resolve();
    expect(textOf(await lane.create({ model, input: [user('a'), user('b')] }).response)).toBe('user:a | user:b');
  });
});

describe('lanes, forks and steers', () => {
  it('forks go their own ways from one history, also after a restart', async () => {
    const first = await startTestServer({ engines: [createEchoEngine().engine] });
    const { port } = new URL(first.url);
    using connection = await open(first.url, { retry: { baseMs: 20, maxMs: 100, attempts: 50 } });
    const main = connection.lane();
    await main.create({ model, input: 'trunk' }).response;
    const forks = [main.fork(), main.fork('named')];
    expect(forks.map(({ name }) => name)).toEqual(['default.fork-1', 'named']);
    await main.create({ model, input: 'main' }).response;
    await first.close();
    await using _second = await startTestServer({ engines: [createEchoEngine().engine], flags: ['--port', port] });
    const turns = [main, ...forks].map((lane, index) => lane.create({ model, input: `way ${index}` }));
    expect((await Promise.all(turns.map(({ response }) => response))).map(textOf)).toEqual([
      'user:trunk | assistant | user:main | assistant | user:way 0',
      'user:trunk | assistant | user:way 1',
      'user:trunk | assistant | user:way 2',
    ]);
    expect(await forks[0]?.history()).toHaveLength(4);
  });

  it('a steered turn goes on with the response that answers the steer', async () => {
    const { engine, held } = createHeldEngine();
    await using server = await startTestServer({ engines: [engine] });
    using connection = await open(server.url);
    const lane = connection.lane('agent');
    const turn = lane.create({ model, input: 'one' });
    await held;
    const steering = lane.steer('Shorter.');
    expect(await steering.accepted).toBe(true);
    const response = await turn.response;
    expect(await steering.outcome).toEqual({ state: 'applied', responseId: response.id });
    expect(textOf(response)).toBe('user:one | assistant | user:Shorter.');
    expect(lane.newest).toBe(response.id);
    const history = await lane.history();
    expect(history.map((item) => ('role' in item ? item.role : item.type))).toEqual([
      'user',
      'assistant',
      'user',
      'assistant',
    ]);
  });

  it('a cancelled turn ends with what was said, and the lane goes on from it', async () => {
    const { engine, held } = createHeldEngine();
    await using server = await startTestServer({ engines: [engine] });
    using connection = await open(server.url);
    const lane = connection.lane();
    const turn = lane.create({ model, input: 'one' });
    for await (const { type } of turn) if (type === 'response.output_text.delta') break;
    await held;
    lane.cancel();
    expect(await turn.response).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'cancelled' } });
    expect(textOf(await lane.create({ model, input: 'two' }).response)).toBe('user:one | assistant | user:two');
  });
});

it('goes through the proxy that the environment names, and past it where NO_PROXY says so', async () => {
  await using pair = await startPair();
  const tunnels: string[] = [];
  const proxy = createServer();
  proxy.on('connect', ({ url = '' }, client) => {
    tunnels.push(url);
    const [host, port] = url.split(':');
    const upstream = connectTcp(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connected\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    for (const end of [client, upstream]) end.on('error', () => end.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { HTTP_PROXY, NO_PROXY } = process.env;
  try {
    process.env['HTTP_PROXY'] = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    process.env['NO_PROXY'] = '';
    for (const [ways, noProxy] of [
      [1, ''],
      [1, '127.0.0.1'],
    ] as const) {
      process.env['NO_PROXY'] = noProxy;
      using connection = await open(pair.server.url);
      expect(textOf(await connection.lane().create({ model, input: 'one' }).response)).toBe('user:one');
      expect(tunnels).toHaveLength(ways);
    }
    expect(tunnels).toEqual([new URL(pair.server.url).host]);
  } finally {
    restore('HTTP_PROXY', HTTP_PROXY);
    restore('NO_PROXY', NO_PROXY);
    proxy.closeAllConnections();
    proxy.close();
  }
});

/** A body of server-sent events that breaks off before the event of this type. */
function cutBefore(type: string, body: ReadableStream<Uint8Array> | null): ReadableStream<Uint8Array> {
  const decoder = new TextDecoder();
  let text = '';
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      text += decoder.decode(chunk, { stream: true });
      const at = text.indexOf(`event: ${type}\n`);
      const whole = at >= 0 ? at : text.lastIndexOf('\n\n') + 2;
      controller.enqueue(new TextEncoder().encode(text.slice(0, whole)));
      text = text.slice(whole);
      if (at >= 0) controller.error(new Error('cut'));
    },
  });
  return (body ?? new ReadableStream<Uint8Array>()).pipeThrough(cut);
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

function user(content: string) {
  return { type: 'message' as const, role: 'user' as const, content };
}
