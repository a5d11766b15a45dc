import { describe, expect, it } from 'vitest';
import { createEchoEngine } from '../echo-engine.ts';
import { isTerminal, startTestServer, TestSocket, type Frame } from '../harness.ts';

describe('lanes', () => {
  it('tags every event of a named lane, and none of the default lane', async () => {
    await using server = await startTestServer();
    using socket = await TestSocket.open(server.url);
    socket.create({ stream_id: 'a.b-c_1' });
    expect((await socket.turn()).every((frame) => frame.stream_id === 'a.b-c_1')).toBe(true);
    socket.create({});
    expect((await socket.turn()).some((frame) => 'stream_id' in frame)).toBe(false);
  });

  it('run side by side, and each in order', async () => {
    const gate = Promise.withResolvers<void>();
    const { engine } = createEchoEngine({
      hold: ({ context }) => (JSON.stringify(context.items).includes('slow') ? gate.promise : undefined),
    });
    await using server = await startTestServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ stream_id: 'a', input: 'slow' });
    socket.create({ stream_id: 'a', input: 'after' });
    socket.create({ stream_id: 'b', input: 'quick' });
    const finished: string[] = [];
    while (!finished.includes('b')) {
      const frame = await socket.next();
      if (frame.type === 'response.completed') finished.push(frame.stream_id ?? '');
    }
    expect(finished).toEqual(['b']);
    gate.resolve();
    const rest = [await socket.response('a'), await socket.response('a')];
    expect(rest.map(({ output }) => JSON.stringify(output).match(/user:\w+/)?.[0])).toEqual([
      'user:slow',
      'user:after',
    ]);
  });

  it('start no more than the limit at once; the others wait and are not refused', async () => {
    const gate = Promise.withResolvers<void>();
    const { engine, calls } = createEchoEngine({ hold: () => gate.promise });
    await using server = await startTestServer({ engines: [engine], flags: ['--max-in-flight', '2'] });
    using socket = await TestSocket.open(server.url);
    for (const stream_id of ['a', 'b', 'c']) socket.create({ stream_id });
    // A frame that is answered at once, after all three were received.
    socket.create({ stream_id: '' });
    const seen = new Set<string>();
    let refused = false;
    while (seen.size < 2 || !refused) {
      const frame = await socket.next();
      if (frame.type === 'error') refused = true;
      else seen.add(frame.stream_id ?? '');
    }
    expect([...seen]).toEqual(['a', 'b']);
    expect(calls.filter((call) => call.kind === 'generate')).toHaveLength(2);
    gate.resolve();
    expect((await socket.response('c')).status).toBe('completed');
  });

  it('refuse one name too many, and leave the others alone', async () => {
    await using server = await startTestServer({ flags: ['--max-lanes', '2'] });
    using socket = await TestSocket.open(server.url);
    for (const stream_id of ['a', 'b']) {
      socket.create({ stream_id });
      await socket.response(stream_id);
    }
    socket.create({ stream_id: 'c' });
    expect(await socket.error()).toMatchObject({
      stream_id: 'c',
      status: 400,
      error: {
        code: 'websocket_stream_limit_reached',
        param: 'stream_id',
        message:
          'This WebSocket connection has reached its maximum number of distinct stream IDs (2). Reuse an existing stream_id or open a new WebSocket connection.',
      },
    });
    socket.create({ stream_id: 'b' });
    await socket.response('b');
    socket.create({});
    await socket.response();
  });

  it('refuse a request when too many wait, and finish those that run', async () => {
    const gate = Promise.withResolvers<void>();
    const { engine } = createEchoEngine({ hold: () => gate.promise });
    await using server = await startTestServer({ engines: [engine], flags: ['--max-queued', '1'] });
    using socket = await TestSocket.open(server.url);
    for (let sent = 0; sent < 3; sent++) socket.create({ stream_id: 'run' });
    // A lane of its own that could start at once does not wait, and so is not refused.
    socket.create({ stream_id: 'other' });
    gate.resolve();
    const ends: Frame[] = [];
    while (ends.length < 4) {
      const frame = await socket.next();
      if (isTerminal(frame)) ends.push(frame);
    }
    const [first, second, third] = ends.filter((frame) => frame.stream_id === 'run');
    expect([first?.type, second?.type]).toEqual(['response.completed', 'response.completed']);
    expect(third).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      error: { code: 'websocket_queue_limit_reached' },
    });
  });

  it('bind the parent of a fork when the request comes, so that it never races its source', async () => {
    const gate = Promise.withResolvers<void>();
    const { engine } = createEchoEngine({
      hold: ({ context }) => (JSON.stringify(context.items).includes('wait') ? gate.promise : undefined),
    });
    await using server = await startTestServer({ engines: [engine], flags: ['--max-in-flight', '2'] });
    using socket = await TestSocket.open(server.url);
    socket.create({ stream_id: 'main', input: 'root' });
    const { id } = await socket.response('main');
    // One place is taken, the source takes the other: the fork waits while its source goes on.
    socket.create({ stream_id: 'busy', input: 'wait' });
    socket.create({ stream_id: 'main', input: 'on', previous_response_id: id });
    socket.create({ stream_id: 'fork', input: 'aside', previous_response_id: id });
    const fork = await socket.response('fork');
    expect(fork.previous_response_id).toBe(id);
    expect(JSON.stringify(fork.output)).toContain('user:root | assistant | user:aside');
    gate.resolve();
  });

  it('do not fork from a response that still runs', async () => {
    const gate = Promise.withResolvers<void>();
    const { engine } = createEchoEngine({ hold: () => gate.promise });
    await using server = await startTestServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ stream_id: 'main' });
    const created = await socket.next();
    if (!('response' in created)) throw new Error('no response');
    socket.create({ stream_id: 'fork', previous_response_id: created.response.id });
    const frames = await socket.turn('fork');
    expect(frames).toMatchObject([{ type: 'error', error: { code: 'previous_response_not_found' } }]);
    gate.resolve();
    expect((await socket.response('main')).status).toBe('completed');
  });
});
