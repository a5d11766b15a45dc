/** Turns over HTTP, where no socket opens. What answers is made by hand. */
import { afterEach, expect, test } from 'vitest';
import { connect, ConnectionLostError, createNetworkMemory } from '../src/index.ts';
import type { Connection, ConnectOptions } from '../src/index.ts';
import { answer, playFetch, startPeer, toSse } from './peer.ts';
import type { Frame } from './peer.ts';

let connection: Connection;

afterEach(() => connection.close());

/** A connection that has fallen back already; `reply` is told each body. */
async function open(reply: (body: Frame) => Response, options: Partial<ConnectOptions> = {}): Promise<Frame[]> {
  const bodies: Frame[] = [];
  const networkMemory = createNetworkMemory();
  networkMemory.setNoSockets('http://nowhere.example');
  connection = await connect({
    baseUrl: 'http://nowhere.example/v1',
    retry: { baseMs: 1, maxMs: 5 },
    networkMemory,
    fetch: playFetch(bodies, reply),
    ...options,
  });
  return bodies;
}

test('a gateway that fails says nothing of the request behind it: it is not sent again', async () => {
  const bodies = await open(() => new Response('<h1>Bad gateway</h1>', { status: 502 }));
  const turn = connection.lane().create({ input: 'one' });
  await expect(turn.response).rejects.toThrow(ConnectionLostError);
  await expect(turn.response).rejects.toMatchObject({ sent: true, reason: 'a gateway answered with 502' });
  expect(bodies).toHaveLength(1);
});

test('a gateway that fails in front of a server that honours keys is asked again with the same key', async () => {
  const replies = [
    () => toSse(answer('resp_1', 'a'), { 'longwire-idempotency': '1' }),
    () => new Response(null, { status: 504 }),
    () => toSse(answer('resp_2', 'b')),
  ];
  const bodies = await open(() => replies.shift()?.() ?? Response.error());
  const lane = connection.lane();
  await lane.create({ input: 'one' }).response;
  await expect(lane.create({ input: 'two' }).response).resolves.toMatchObject({ id: 'resp_2' });
  expect(bodies).toHaveLength(3);
  expect(bodies[2]).toEqual(bodies[1]);
});

test('what the API itself refuses is sent again, as a new request', async () => {
  const busy = { error: { type: 'server_error', code: 'server_is_overloaded', message: 'Busy.', param: null } };
  const replies = [() => Response.json(busy, { status: 503 }), () => toSse(answer('resp_1', 'a'))];
  const bodies = await open(() => replies.shift()?.() ?? Response.error());
  await expect(connection.lane().create({ input: 'one' }).response).resolves.toMatchObject({ id: 'resp_1' });
  expect(bodies[1]).not.toEqual(bodies[0]);
});

test('generate: false is answered here, and what it told goes along with the next request', async () => {
  const bodies = await open(() => toSse(answer('resp_1', 'a')));
  const lane = connection.lane();
  const warmUp = lane.create({ model: 'm', input: 'before', generate: false });
  const types = [];
  for await (const { type } of warmUp) types.push(type);
  expect(types).toEqual(['response.created', 'response.in_progress', 'response.completed']);
  const { id, output } = await warmUp.response;
  expect(output).toEqual([]);
  expect(lane.newest).toBe(id);
  await lane.create({ model: 'm', input: 'one' }).response;
  expect(bodies).toHaveLength(1);
  expect(bodies[0]).toMatchObject({ previous_response_id: null, input: [{ content: 'before' }, { content: 'one' }] });
});

test('a steer that was given while a way was looked for, and HTTP was found, fails; the turn goes on', async () => {
  let isRefusing = false;
  await using peer = await startPeer(() => (isRefusing ? 503 : 101));
  const bodies: Frame[] = [];
  connection = await connect({
    baseUrl: peer.baseUrl,
    resume: false,
    retry: { attempts: 0, baseMs: 1 },
    networkMemory: createNetworkMemory(),
    fetch: playFetch(bodies, (body) =>
      body['input'] ? toSse(answer('resp_1', 'a')) : new Response(null, { status: 426 }),
    ),
  });
  const socket = await peer.accept();
  isRefusing = true;
  socket.close(1001, '');
  await socket.closed;
  const lane = connection.lane();
  const turn = lane.create({ input: 'one' });
  const steering = lane.steer('Shorter.');
  await expect(turn.response).resolves.toMatchObject({ id: 'resp_1' });
  expect(await steering.outcome).toMatchObject({ state: 'failed', code: 'response_not_active', input: 'Shorter.' });
  expect(bodies.map(({ input }) => input)).toEqual([undefined, 'one']);
});

test('close() while HTTP is asked whether it works ends it for good', async () => {
  let isRefusing = false;
  await using peer = await startPeer(() => (isRefusing ? 503 : 101));
  const asked = Promise.withResolvers<void>();
  const states: string[] = [];
  connection = await connect({
    baseUrl: peer.baseUrl,
    resume: false,
    networkMemory: createNetworkMemory(),
    onStatus: ({ state }) => void states.push(state),
    fetch: (_url, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(new Error('aborted')));
        asked.resolve();
      }),
  });
  const socket = await peer.accept();
  isRefusing = true;
  socket.close(1001, '');
  await socket.closed;
  const turn = connection.lane().create({ input: 'one' });
  await asked.promise;
  connection.close();
  await expect(turn.response).rejects.toMatchObject({ code: 1000, sent: false });
  await new Promise((resolve) => setImmediate(resolve));
  expect(states.at(-1)).toBe('closed');
});
