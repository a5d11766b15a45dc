/** Requests that are sent again with an idempotency key (PROTOCOL.md 11.2). */
import { describe, expect, it, vi } from 'vitest';
import { createEchoEngine, createHeldEngine } from '../echo-engine.ts';
import { startTestServer, TestSocket, type Frame } from '../harness.ts';
import { createEndlessEngine } from '../transport/sockets.ts';

const key = (name: string) => ({ client_metadata: { longwire_idempotency_key: name } });

const generations = (calls: readonly { kind: string }[]) => calls.filter(({ kind }) => kind === 'generate').length;
const withoutLane = (frames: readonly Frame[]) => frames.map((frame) => ({ ...frame, stream_id: undefined }));

describe('a request with an idempotency key that is sent again', () => {
  it('is answered with the response that runs, from its first event, on any lane and socket', async () => {
    const { engine, calls, release } = createHeldEngine();
    await using server = await startTestServer({ engines: [engine], store: null });
    using first = await TestSocket.open(server.url);
    using second = await TestSocket.open(server.url);
    first.create({ ...key('k') });
    expect((await first.next()).type).toBe('response.created');
    first.create({ ...key('k'), stream_id: 'other' });
    second.create({ ...key('k') });
    const begun = await second.next();
    const begunHere = await first.next();
    release();
    const rest = await second.turn();
    expect(rest.at(-1)).toMatchObject({ type: 'response.completed' });
    const other = await first.turn('other');
    expect(
      withoutLane(other)
        .slice(begunHere.stream_id === 'other' ? 1 : 0)
        .at(-1),
    ).toEqual(rest.at(-1));
    expect([begun, ...rest].map(({ sequence_number }) => sequence_number)).toEqual([begun, ...rest].map((_, n) => n));
    expect(generations(calls)).toBe(1);
    expect(server.counts.attached).toBe(2);
  });

  it('is answered alike after the end, and the chain goes on from it without a store', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine], store: null });
    using first = await TestSocket.open(server.url);
    first.create({ input: 'One.' });
    const { id: parent } = await first.response();
    const request = { ...key('k'), input: 'Two.', previous_response_id: parent };
    first.create(request);
    const told = await first.turn();
    await first.close();
    using second = await TestSocket.open(server.url);
    second.create({ ...request, stream_id: 'lane' });
    const again = await second.turn();
    expect(withoutLane(again)).toEqual(told);
    const last = again.at(-1);
    if (!last || !('response' in last)) throw new Error('No response.');
    second.create({ stream_id: 'lane', input: 'Three.', previous_response_id: last.response.id });
    expect(JSON.stringify(await second.response('lane'))).toContain('user:One. | assistant | user:Two. | assistant');
    expect(generations(calls)).toBe(3);
  });

  it('finds the response that has lost its socket, which runs on', async () => {
    const { engine, calls, release } = createHeldEngine();
    await using server = await startTestServer({ engines: [engine], store: null });
    using first = await TestSocket.open(server.url);
    first.create({ ...key('k') });
    const created = await first.next();
    await first.close();
    using second = await TestSocket.open(server.url);
    second.create({ ...key('k') });
    expect(await second.next()).toEqual(created);
    release();
    expect((await second.response()).status).toBe('completed');
    expect(generations(calls)).toBe(1);
    expect(calls.some(({ kind }) => kind === 'aborted')).toBe(false);
  });

  it('finds nothing after the grace period: the response was stopped down to the engine', async () => {
    const { engine, calls, release } = createHeldEngine();
    await using server = await startTestServer({ engines: [engine], flags: ['--resume-grace-ms', '1'] });
    using first = await TestSocket.open(server.url);
    first.create({ ...key('k') });
    const created = await first.next();
    await first.close();
    await vi.waitFor(() => expect(calls.some(({ kind }) => kind === 'aborted')).toBe(true), 5000);
    release();
    using second = await TestSocket.open(server.url);
    second.create({ ...key('k') });
    const response = await second.response();
    expect(response.status).toBe('completed');
    expect(created).not.toMatchObject({ response: { id: response.id } });
  });

  it('runs again where the first was refused, and waits while that is being found out', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    const request = { ...key('k'), previous_response_id: 'resp_unknown' };
    for (const stream_id of ['a', 'b']) socket.create({ ...request, stream_id });
    for (let n = 0; n < 2; n++) expect((await socket.error()).error.code).toBe('previous_response_not_found');
    expect(generations(calls)).toBe(0);
    socket.create({ ...key('k') });
    expect((await socket.response()).status).toBe('completed');
  });

  it('is answered with the same failure', async () => {
    let asked = 0;
    const { engine } = createEchoEngine({
      answer: () => {
        asked++;
        throw new Error('The engine broke.');
      },
    });
    await using server = await startTestServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ ...key('k') });
    const failed = (await socket.turn()).at(-1);
    expect(failed?.type).toBe('response.failed');
    socket.create({ ...key('k') });
    expect((await socket.turn()).at(-1)).toEqual(failed);
    expect(asked).toBe(1);
  });

  it('is refused when it asks for something else', async () => {
    await using server = await startTestServer();
    using socket = await TestSocket.open(server.url);
    socket.create({ ...key('k') });
    await socket.response();
    socket.create({ ...key('k'), input: 'Another.' });
    expect(await socket.error()).toMatchObject({
      status: 400,
      error: { code: 'idempotency_key_reused', param: 'client_metadata.longwire_idempotency_key' },
    });
  });

  it('is a request of its own in another project', async () => {
    const flags = ['--api-key', 'one=secret-1', '--api-key', 'two=secret-2'];
    await using server = await startTestServer({ flags });
    const open = (secret: string) => TestSocket.open(server.url, { headers: { authorization: `Bearer ${secret}` } });
    using one = await open('secret-1');
    using two = await open('secret-2');
    one.create({ ...key('k') });
    const mine = await one.response();
    two.create({ ...key('k'), input: 'Another.' });
    expect((await two.response()).id).not.toBe(mine.id);
    expect(server.counts.attached).toBe(0);
  });

  it('is told where its events are too many, and is not run again', async () => {
    const { engine, ended } = createEndlessEngine('x'.repeat(16_384));
    await using server = await startTestServer({ engines: [engine], flags: ['--idempotency-buffer-bytes', '65536'] });
    using socket = await TestSocket.open(server.url);
    socket.create({ ...key('k') });
    const frames: Frame[] = [];
    while (frames.length < 100) frames.push(await socket.next());
    socket.create({ ...key('k'), stream_id: 'other' });
    let frame = await socket.next();
    while (frame.stream_id !== 'other') frame = await socket.next();
    expect(frame).toMatchObject({ type: 'error', status: 409, error: { code: 'idempotency_replay_unavailable' } });
    const [created] = frames;
    if (created?.type !== 'response.created') throw new Error('No response.');
    socket.send({ type: 'response.cancel', response_id: created.response.id });
    await ended;
    expect((await socket.response()).status).toBe('incomplete');
  });

  it('is told where the response was deleted meanwhile', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ ...key('k'), store: true });
    const { id } = await socket.response();
    expect((await fetch(`${server.url}/responses/${id}`, { method: 'DELETE' })).status).toBe(200);
    socket.create({ ...key('k'), store: true });
    expect((await socket.error()).error.code).toBe('idempotency_replay_unavailable');
    expect(generations(calls)).toBe(1);
  });

  it('waits for its reader beyond what is kept, and for none without one', async () => {
    const endless = createEndlessEngine('x'.repeat(16_384));
    await using server = await startTestServer({
      engines: [endless.engine],
      flags: ['--idempotency-buffer-bytes', '65536', '--resume-grace-ms', '1'],
    });
    using socket = await TestSocket.open(server.url);
    socket.create({ ...key('k') });
    await socket.next();
    socket.socket.terminate();
    await endless.ended;
    expect(endless.pulled).toBeLessThan(400);
  });

  it('finds the response that went on when its first reader had to stop', async () => {
    const { engine, calls, release } = createHeldEngine();
    const aging = ['--connection-lifetime-ms', '1000', '--connection-grace-ms', '0', '--ping-interval-ms', '100'];
    await using server = await startTestServer({ engines: [engine], store: null, flags: aging });
    using first = await TestSocket.open(server.url);
    first.create({ ...key('k') });
    const told = await first.turn();
    expect(told.at(-1)).toMatchObject({
      type: 'response.failed',
      sequence_number: told.length - 1,
      response: { status: 'failed', error: { code: 'websocket_connection_limit_reached' }, output: [] },
    });
    using second = await TestSocket.open(server.url);
    second.create({ ...key('k') });
    release();
    const again = await second.turn();
    expect(again.slice(0, told.length - 1)).toEqual(told.slice(0, -1));
    expect(again.at(-1)?.type).toBe('response.completed');
    expect(generations(calls)).toBe(1);
  });

  it('is cancelled by any of its readers, for all', async () => {
    const { engine } = createHeldEngine();
    await using server = await startTestServer({ engines: [engine] });
    using first = await TestSocket.open(server.url);
    using second = await TestSocket.open(server.url);
    first.create({ ...key('k') });
    const created = await first.next();
    second.create({ ...key('k') });
    await second.next();
    if (created.type !== 'response.created') throw new Error('No response.');
    second.send({ type: 'response.cancel', response_id: created.response.id });
    expect((await second.turn()).at(-1)).toEqual((await first.turn()).at(-1));
  });
});

describe('a key', () => {
  it.each([[''], ['x'.repeat(256)], [7], [null]])('%j is refused, and named', async (name) => {
    await using server = await startTestServer();
    using socket = await TestSocket.open(server.url);
    socket.create({ client_metadata: { longwire_idempotency_key: name } });
    expect((await socket.error()).error.param).toBe('client_metadata.longwire_idempotency_key');
  });

  it('is metadata like any other on a server that keeps none', async () => {
    await using server = await startTestServer({ flags: ['--idempotency-window-ms', '0'] });
    using socket = await TestSocket.open(server.url);
    socket.create({ ...key('k') });
    const { id } = await socket.response();
    socket.create({ ...key('k'), input: 'Another.' });
    expect((await socket.response()).id).not.toBe(id);
    const answer = await post(server.url, { ...key('k') });
    expect(answer.headers.get('longwire-idempotency')).toBe(null);
    await answer.text();
  });

  it('is free again after its window', async () => {
    await using server = await startTestServer({ flags: ['--idempotency-window-ms', '1'] });
    using socket = await TestSocket.open(server.url);
    const ids = new Set<string>();
    await vi.waitFor(async () => {
      socket.create({ ...key('k') });
      ids.add((await socket.response()).id);
      expect(ids.size).toBeGreaterThan(1);
    }, 5000);
  });
});

describe('over HTTP a request with a key', () => {
  it('is answered with the same response as JSON, as a stream and on a socket, and says that it may be sent again', async () => {
    const { engine, calls, release } = createHeldEngine();
    await using server = await startTestServer({ engines: [engine], store: null });
    const stream = await post(server.url, { ...key('k'), stream: true });
    expect(stream.headers.get('longwire-idempotency')).toBe('1');
    const json = post(server.url, { ...key('k') });
    using socket = await TestSocket.open(server.url);
    socket.create({ ...key('k') });
    await socket.next();
    release();
    const response = await socket.response();
    const answer = await json;
    expect(answer.headers.get('longwire-idempotency')).toBe('1');
    expect(await answer.json()).toEqual(response);
    expect(await stream.text()).toContain(response.id);
    expect(generations(calls)).toBe(1);
  });

  it('runs on when its client goes away', async () => {
    const { engine, calls, release } = createHeldEngine();
    await using server = await startTestServer({ engines: [engine], store: null });
    const away = new AbortController();
    const stream = await post(server.url, { ...key('k'), stream: true }, away.signal);
    await stream.body?.getReader().read();
    away.abort();
    const again = post(server.url, { ...key('k') });
    await vi.waitFor(() => expect(server.counts.attached).toBe(1));
    release();
    expect(await (await again).json()).toMatchObject({ status: 'completed' });
    expect(generations(calls)).toBe(1);
  });

  it('is refused like on a socket, and in background mode', async () => {
    await using server = await startTestServer();
    await (await post(server.url, { ...key('k') })).json();
    const other = await post(server.url, { ...key('k'), input: 'Another.' });
    expect(other.status).toBe(400);
    expect(await other.json()).toMatchObject({ error: { code: 'idempotency_key_reused' } });
    const background = await post(server.url, { ...key('b'), background: true, store: true });
    expect(await background.json()).toMatchObject({
      error: { code: 'unsupported_parameter', param: 'client_metadata.longwire_idempotency_key' },
    });
  });
});

it('a server that stops waits for no key', async () => {
  const { engine, calls } = createHeldEngine();
  const server = await startTestServer({ engines: [engine] });
  using socket = await TestSocket.open(server.url);
  socket.create({ ...key('k') });
  await socket.next();
  await socket.close();
  await server.drain();
  expect(calls.some(({ kind }) => kind === 'aborted')).toBe(true);
});

function post(url: string, fields: object, signal: AbortSignal | null = null): Promise<Response> {
  return fetch(`${url}/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'test-model', store: false, input: 'Hi.', ...fields }),
    signal,
  });
}
