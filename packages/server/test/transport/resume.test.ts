/** Connections that outlive their sockets (PROTOCOL.md 11.1), over real sockets: cuts, and what each side may send. */
import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { createApiKey } from '../../src/auth/keys.ts';
import { createEchoEngine, createHeldEngine } from '../echo-engine.ts';
import { isTerminal, startTestServer, type Frame } from '../harness.ts';
import { connect, createdBy, ResumingClient, turnOf } from './resuming-client.ts';

const lanes = ['a', 'b', 'c', 'd'];

/** What a lane said, without what differs from run to run. */
function lineOf(frame: Frame): string {
  const delta = 'delta' in frame ? frame.delta : null;
  const usage = 'response' in frame ? frame.response.usage : null;
  return JSON.stringify([frame.sequence_number, frame.type, delta, usage]);
}

/** Two turns in each of four lanes, the second on top of the first; the socket breaks when so many frames have come. */
async function converse(url: string, cutAfter: number): Promise<{ told: Map<string, string[]>; frames: number }> {
  using client = new ResumingClient(url);
  await client.connect();
  const told = new Map<string, string[]>(lanes.map((lane) => [lane, []]));
  const ended = new Map<string, number>();
  for (const stream_id of lanes) client.create({ stream_id, input: `Hello from ${stream_id}.` });
  let frames = 0;
  while (lanes.some((lane) => ended.get(lane) !== 2)) {
    if (frames === cutAfter) {
      await client.cut();
      await client.connect();
    }
    const frame = await client.next();
    frames++;
    const lane = frame.stream_id ?? '';
    told.get(lane)?.push(lineOf(frame));
    if (!isTerminal(frame) || !('response' in frame)) continue;
    client.acknowledge();
    const turns = (ended.get(lane) ?? 0) + 1;
    ended.set(lane, turns);
    if (turns === 1) client.create({ stream_id: lane, input: 'Go on.', previous_response_id: frame.response.id });
  }
  expect(client.waiting).toBe(0);
  return { told, frames };
}

describe('a connection that was cut', () => {
  it('goes on after any frame as if nothing had happened, in four lanes, without a store', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine], store: null, flags: ['--zero-retention', 'true'] });
    const whole = await converse(server.url, Infinity);
    expect(whole.told.get('a')?.some((line) => line.includes('Go on.'))).toBe(true);
    const before = calls.filter(({ kind }) => kind === 'generate').length;
    for (let cutAfter = 0; cutAfter < whole.frames; cutAfter++) {
      const { told } = await converse(server.url, cutAfter);
      expect(told).toEqual(whole.told);
    }
    expect(calls.filter(({ kind }) => kind === 'generate')).toHaveLength(before * (whole.frames + 1));
    expect(calls.some(({ kind }) => kind === 'aborted')).toBe(false);
    expect(server.counts).toMatchObject({ resumed: whole.frames, refused: 0 });
  });

  it('finishes its turn meanwhile, and takes what the client could not send', async () => {
    const { engine, calls, release } = createHeldEngine();
    await using server = await startTestServer({ engines: [engine], store: null });
    using client = await connect(server.url);
    client.create({});
    createdBy(await client.next());
    await client.cut();
    release();
    client.create({ stream_id: 'other' });
    client.send({ type: 'response.steer', previous_response_id: 'resp_unknown', input: 'Shorter.' });
    expect(await client.connect()).toMatchObject({ resumed: true, received: 1, grace_ms: 30_000, idempotency: true });
    const frames: Frame[] = [];
    while (frames.filter(isTerminal).length < 2) frames.push(await client.next());
    expect(frames.filter(isTerminal).map(({ type }) => type)).toEqual(['response.completed', 'response.completed']);
    expect(frames.filter(({ type }) => type === 'response.steer.failed')).toHaveLength(1);
    expect(calls.filter(({ kind }) => kind === 'generate')).toHaveLength(2);
    expect(calls.some(({ kind }) => kind === 'aborted')).toBe(false);
  });

  it('is steered across the cut', async () => {
    const { engine } = createHeldEngine();
    await using server = await startTestServer({ engines: [engine], store: null });
    using client = await connect(server.url);
    client.create({});
    const id = createdBy(await client.next());
    await client.cut();
    client.send({ type: 'response.steer', previous_response_id: id, input: 'Shorter.' });
    await client.connect();
    const types: string[] = [];
    while (!types.includes('response.created')) types.push((await client.next()).type);
    expect(types.filter((type) => /steer|created|incomplete/.test(type))).toEqual([
      'response.steer.accepted',
      'response.incomplete',
      'response.created',
    ]);
  });

  it('is cancelled across the cut, down to the engine', async () => {
    const { engine, calls } = createHeldEngine();
    await using server = await startTestServer({ engines: [engine], store: null });
    using client = await connect(server.url);
    client.create({});
    const id = createdBy(await client.next());
    await client.cut();
    client.send({ type: 'response.cancel', response_id: id });
    await client.connect();
    expect((await turnOf(client)).at(-1)).toMatchObject({ response: { incomplete_details: { reason: 'cancelled' } } });
    expect(calls.some(({ kind }) => kind === 'aborted')).toBe(true);
  });

  it('ends when nobody comes for it, down to the engine, and cannot be had any more', async () => {
    const { engine, calls } = createHeldEngine();
    await using server = await startTestServer({
      engines: [engine],
      flags: ['--resume-grace-ms', '1', '--ping-interval-ms', '100'],
    });
    using client = await connect(server.url);
    client.create({});
    await client.next();
    await client.cut();
    await vi.waitFor(() => expect(calls.some(({ kind }) => kind === 'aborted')).toBe(true), 5000);
    const { token } = client.hello ?? {};
    const hello = await client.connect();
    expect(hello).toMatchObject({ resumed: false, received: 0 });
    expect(hello.token).not.toBe(token);
    expect(server.counts).toMatchObject({ detached: 1, expired: 1, resumed: 0, refused: 1 });
  });

  it('ends when its key is taken away', async () => {
    const { engine, calls } = createHeldEngine();
    const flags = ['--api-key', 'one=secret-1', '--ping-interval-ms', '100'];
    await using server = await startTestServer({ engines: [engine], flags });
    using client = new ResumingClient(server.url, { headers: { authorization: 'Bearer secret-1' } });
    await client.connect();
    client.create({});
    await client.next();
    await client.cut();
    server.reload({ apiKeys: [createApiKey('one', 'secret-2')] });
    await vi.waitFor(() => expect(calls.some(({ kind }) => kind === 'aborted')).toBe(true), 5000);
  });

  it('ends when others wait too, and have not waited so long', async () => {
    await using server = await startTestServer({ flags: ['--resume-max-detached', '1'] });
    using first = await connect(server.url);
    using second = await connect(server.url);
    await first.cut();
    await vi.waitFor(() => expect(server.counts.detached).toBe(1));
    await second.cut();
    await vi.waitFor(() => expect(server.counts.expired).toBe(1));
    expect(await first.connect()).toMatchObject({ resumed: false });
    expect(await second.connect()).toMatchObject({ resumed: true });
  });

  it('ends when the server drains', async () => {
    const { engine, calls } = createHeldEngine();
    const server = await startTestServer({ engines: [engine] });
    using client = await connect(server.url);
    client.create({});
    await client.next();
    await client.cut();
    await vi.waitFor(() => expect(server.counts.detached).toBe(1));
    await server.drain();
    expect(calls.some(({ kind }) => kind === 'aborted')).toBe(true);
  });
});

describe('a socket that ends', () => {
  it.each([
    [1000, false],
    [1001, false],
    [undefined, true],
    [3000, true],
  ])('with the code %s from its client leaves a connection to resume: %s', async (code, resumed) => {
    await using server = await startTestServer();
    using client = await connect(server.url);
    const closed = once(client.socket, 'close');
    client.socket.close(code);
    await closed;
    expect(await client.connect()).toMatchObject({ resumed });
  });

  it('because another one brings its token is told so, and has nothing more to say', async () => {
    const { engine, calls, release } = createHeldEngine();
    await using server = await startTestServer({ engines: [engine], store: null });
    using client = await connect(server.url);
    client.create({});
    createdBy(await client.next());
    const former = client.socket;
    const closed = once(former, 'close') as Promise<[number, Buffer]>;
    expect(await client.connect()).toMatchObject({ resumed: true, received: 1 });
    former.send(JSON.stringify({ type: 'response.create', model: 'test-model', input: 'Late.', longwire_seq: 2 }));
    const [code, reason] = await closed;
    expect([code, String(reason)]).toEqual([4001, 'taken over by a newer socket']);
    release();
    expect((await turnOf(client)).at(-1)).toMatchObject({ type: 'response.completed' });
    client.create({ stream_id: 'probe' });
    while (!isTerminal(await client.next()));
    expect(calls.filter(({ kind }) => kind === 'generate')).toHaveLength(2);
    expect(server.counts).toMatchObject({ detached: 0, resumed: 1 });
  });

  it('because another one brings its token may have been told, and have acknowledged, more since that one was begun', async () => {
    await using server = await startTestServer();
    using client = await connect(server.url);
    client.create({});
    const told = (await turnOf(client)).length;
    client.acknowledge();
    const answered = once(client.socket, 'pong');
    client.socket.ping();
    await answered;
    const hello = await client.connect(`${client.hello?.token}:${told - 2}`);
    expect(hello).toMatchObject({ resumed: true });
    client.create({});
    expect((await turnOf(client))[0]?.type).toBe('response.created');
  });

  it('because it is too old takes nothing with it', async () => {
    const { engine, release } = createHeldEngine();
    await using server = await startTestServer({
      engines: [engine],
      flags: ['--connection-lifetime-ms', '1000', '--connection-grace-ms', '0', '--ping-interval-ms', '100'],
    });
    using client = await connect(server.url);
    client.create({});
    const frames: Frame[] = [];
    await expect(
      (async () => {
        for (;;) frames.push(await client.next());
      })(),
    ).rejects.toThrow('1001 connection limit reached');
    expect(frames.some(({ type }) => type === 'error')).toBe(false);
    release();
    await client.connect();
    expect((await turnOf(client)).at(-1)).toMatchObject({ type: 'response.completed' });
  });

  it('because its server drains ends the connection after its turns', async () => {
    const { engine, release } = createHeldEngine();
    await using server = await startTestServer({ engines: [engine] });
    using client = await connect(server.url);
    client.create({});
    createdBy(await client.next());
    const drained = server.drain();
    release();
    expect((await turnOf(client)).at(-1)).toMatchObject({ type: 'response.completed' });
    await expect(client.next()).rejects.toThrow('1012 service restart');
    await drained;
  });
});

describe('a frame of the client', () => {
  it('that came before is dropped', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    using client = await connect(server.url);
    client.create({});
    await turnOf(client);
    const again = { type: 'response.create', model: 'test-model', input: 'Hi.', longwire_seq: 1 };
    client.socket.send(JSON.stringify(again));
    client.create({ stream_id: 'probe' });
    await turnOf(client);
    expect(calls.filter(({ kind }) => kind === 'generate')).toHaveLength(2);
  });

  it('behind one that is missing closes the socket, and the connection can be resumed', async () => {
    await using server = await startTestServer();
    using client = await connect(server.url);
    client.create({});
    await turnOf(client);
    client.socket.send(JSON.stringify({ type: 'response.create', model: 'test-model', input: 'Hi.', longwire_seq: 3 }));
    await expect(client.next()).rejects.toThrow('4002 a frame is missing');
    expect(await client.connect()).toMatchObject({ resumed: true, received: 1 });
  });

  it('that is nested too deep is refused, and counted', async () => {
    await using server = await startTestServer();
    using client = await connect(server.url);
    const input = JSON.parse(`${'['.repeat(300)}${']'.repeat(300)}`) as unknown;
    client.create({ input });
    expect(await client.next()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
    client.create({});
    expect((await turnOf(client)).at(-1)?.type).toBe('response.completed');
  });

  it.each([
    [{ type: 'response.cancel', response_id: 'x' }, 'missing_required_parameter', 'longwire_seq'],
    [{ type: 'response.cancel', response_id: 'x', longwire_seq: 'one' }, 'invalid_type', 'longwire_seq'],
    [{ type: 'response.cancel', response_id: 'x', longwire_seq: 0 }, 'invalid_value', 'longwire_seq'],
    [{ type: 'longwire:ack' }, 'missing_required_parameter', 'received'],
    [{ type: 'longwire:ack', received: 99 }, 'invalid_value', 'received'],
    [{ type: 'other', longwire_seq: 1 }, 'unknown_event_type', 'type'],
  ])('%j is refused, and named', async (frame, code, param) => {
    await using server = await startTestServer();
    using client = await connect(server.url);
    client.socket.send(JSON.stringify(frame));
    expect(await client.next()).toMatchObject({ type: 'error', error: { code, param } });
  });
});
