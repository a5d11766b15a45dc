import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer, type TestSocket } from '../harness.ts';
import { createEndlessEngine, openSocket } from './sockets.ts';

/** All frames until the close, and the close. */
async function untilClosed(socket: TestSocket) {
  const frames = [];
  try {
    for (;;) frames.push(await socket.next());
  } catch {
    return { frames, closed: socket.closed };
  }
}

const heartbeat = ['--ping-interval-ms', '100', '--dead-peer-ms', '300'];
const isTerminal = ({ type }: { type: string }) => /^(error|response\.(completed|incomplete|failed))$/.test(type);

describe('pings', () => {
  it('go out, and a peer that answers stays', async () => {
    await using server = await startTestServer({ flags: heartbeat });
    using socket = await openSocket(server.url);
    for (let ping = 0; ping < 8; ping++) await once(socket.socket, 'ping');
    socket.create({});
    expect((await socket.response()).status).toBe('completed');
  });

  it('are answered', async () => {
    await using server = await startTestServer();
    using socket = await openSocket(server.url);
    socket.socket.ping('tick');
    expect(String((await once(socket.socket, 'pong'))[0])).toBe('tick');
  });

  it('find a peer that is gone: its turn ends and the socket is dropped', async () => {
    const { engine, calls } = createEchoEngine({ hold: () => new Promise(() => {}) });
    await using server = await startTestServer({ engines: [engine], flags: heartbeat });
    using socket = await openSocket(server.url, { autoPong: false });
    socket.create({});
    expect((await untilClosed(socket)).closed?.code).toBe(1006);
    await vi.waitFor(() => expect(calls.some((call) => call.kind === 'aborted')).toBe(true));
  });
});

describe('a connection that is too old', () => {
  const aging = ['--connection-lifetime-ms', '1000', '--ping-interval-ms', '100', '--dead-peer-ms', '60000'];
  const error = {
    type: 'error',
    status: 400,
    sequence_number: 0,
    error: {
      type: 'invalid_request_error',
      code: 'websocket_connection_limit_reached',
      message:
        'Responses websocket connection limit reached (1 minutes). Create a new websocket connection to continue.',
      param: null,
    },
  };

  it('is told so and closed with 1001 while it is idle', async () => {
    await using server = await startTestServer({ flags: aging });
    using socket = await openSocket(server.url);
    const { frames, closed } = await untilClosed(socket);
    expect(frames).toEqual([error]);
    expect(closed).toEqual({ code: 1001, reason: 'connection limit reached' });
  });

  it('finishes the running turn first, and refuses what waits and what comes after it', async () => {
    const gate = Promise.withResolvers<void>();
    const { engine, calls } = createEchoEngine({ hold: () => gate.promise });
    await using server = await startTestServer({ engines: [engine], flags: [...aging, '--max-in-flight', '1'] });
    using socket = await openSocket(server.url);
    socket.create({});
    socket.create({});
    socket.create({ stream_id: 'other' });
    // The refusal of the other lane, where nothing runs, says that the connection is over age.
    const frames = [];
    while (frames.at(-1)?.stream_id !== 'other') frames.push(await socket.next());
    expect(frames.at(-1)).toEqual({ ...error, stream_id: 'other' });
    expect(frames.slice(0, -1).some(isTerminal)).toBe(false);
    socket.create({});
    socket.create({ stream_id: 'late' });
    while (frames.at(-1)?.stream_id !== 'late') frames.push(await socket.next());
    gate.resolve();
    const { frames: rest, closed } = await untilClosed(socket);
    expect(rest.filter(isTerminal)).toMatchObject([{ type: 'response.completed' }, error, error, error]);
    expect(rest.at(-1)).toEqual(error);
    expect(closed?.code).toBe(1001);
    expect(calls.filter((call) => call.kind === 'generate')).toHaveLength(1);
  });

  it('fails a turn that outlasts the grace, once, before the close', async () => {
    const { engine } = createEndlessEngine('more ');
    await using server = await startTestServer({ engines: [engine], flags: [...aging, '--connection-grace-ms', '0'] });
    using socket = await openSocket(server.url);
    socket.create({});
    const { frames, closed } = await untilClosed(socket);
    expect(frames.filter(isTerminal)).toMatchObject([
      {
        type: 'response.failed',
        response: { status: 'failed', error: { code: 'websocket_connection_limit_reached' }, incomplete_details: null },
      },
      error,
    ]);
    expect(frames.at(-2)?.type).toBe('response.failed');
    expect(closed?.code).toBe(1001);
  });
});

describe('a server that drains', () => {
  it('closes idle sockets at once with 1012', async () => {
    await using server = await startTestServer();
    using socket = await openSocket(server.url);
    const drained = server.drain();
    const { frames, closed } = await untilClosed(socket);
    expect(frames).toEqual([]);
    expect(closed).toEqual({ code: 1012, reason: 'service restart' });
    await drained;
  });

  it('finishes what runs and refuses the rest with an error that may be tried again', async () => {
    const gate = Promise.withResolvers<void>();
    const { engine } = createEchoEngine({ hold: () => gate.promise });
    await using server = await startTestServer({ engines: [engine] });
    using socket = await openSocket(server.url);
    socket.create({ input: 'runs' });
    socket.create({ input: 'waits' });
    await socket.next();
    // A lane that is free answers at once, and after all that was sent before.
    socket.create({ stream_id: 'probe', model: 'none' });
    await socket.turn('probe');
    const drained = server.drain();
    socket.create({ stream_id: 'late' });
    expect((await socket.turn('late')).at(-1)).toMatchObject({
      status: 503,
      headers: { 'retry-after': expect.stringMatching(/^[1-5]$/) as string },
      error: { code: 'server_is_draining' },
    });
    gate.resolve();
    const { frames, closed } = await untilClosed(socket);
    expect(frames.filter(isTerminal)).toMatchObject([
      { type: 'response.completed' },
      { type: 'error', error: { code: 'server_is_draining' } },
    ]);
    expect(closed?.code).toBe(1012);
    await drained;
  });

  it('fails turns that outlast the deadline, and tells each lane so before the close', async () => {
    const { engine } = createEndlessEngine('more ');
    await using server = await startTestServer({ engines: [engine], flags: ['--drain-timeout-ms', '0'] });
    using socket = await openSocket(server.url);
    for (const stream_id of ['a', 'b']) socket.create({ stream_id });
    const created = new Set<string | undefined>();
    while (created.size < 2) created.add((await socket.next()).stream_id);
    await server.drain();
    const { frames, closed } = await untilClosed(socket);
    for (const lane of ['a', 'b']) {
      const own = frames.filter((frame) => frame.stream_id === lane);
      expect(own.filter(isTerminal)).toMatchObject([{ type: 'response.failed' }]);
      const last = own.at(-1);
      if (!last || !('response' in last)) throw new Error('no terminal event');
      expect(last.response.error).toMatchObject({ code: 'server_is_draining' });
      expect(last.response.output).toEqual([]);
    }
    expect(closed?.code).toBe(1012);
  });

  it('stops a response over HTTP at the deadline, down to its engine', async () => {
    const endless = createEndlessEngine('more ');
    await using server = await startTestServer({ engines: [endless.engine], flags: ['--drain-timeout-ms', '0'] });
    const answer = await fetch(`${server.url}/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'test-model', input: 'Hi.', store: false, stream: true }),
    });
    const [read] = await Promise.allSettled([answer.text(), server.drain()]);
    expect(read).toMatchObject({ status: 'rejected' });
    await endless.ended;
  });

  it('drops a peer that does not answer the close', async () => {
    await using server = await startTestServer({ flags: ['--drain-timeout-ms', '0'] });
    using socket = await openSocket(server.url);
    socket.socket.pause();
    await server.drain();
    socket.socket.resume();
    expect((await untilClosed(socket)).closed?.code).toBe(1012);
  });
});
