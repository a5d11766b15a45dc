import { describe, expect, it } from 'vitest';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer, TestSocket } from '../harness.ts';

describe('an engine that is silent', () => {
  it('does not keep the client waiting without a word: response.in_progress comes again, numbered', async () => {
    const gate = Promise.withResolvers<void>();
    const { engine } = createEchoEngine({ hold: () => gate.promise });
    await using server = await startTestServer({ engines: [engine], flags: ['--keepalive-event-ms', '20'] });
    using socket = await TestSocket.open(server.url);
    socket.create({});
    const frames = [];
    while (frames.filter((frame) => frame.type === 'response.in_progress').length < 4) frames.push(await socket.next());
    gate.resolve();
    frames.push(...(await socket.turn()));
    expect(frames.map((frame) => frame.sequence_number)).toEqual(frames.map((_, index) => index));
    expect(frames.at(-1)?.type).toBe('response.completed');
  });

  it('is no more silent while it warms up', async () => {
    const gate = Promise.withResolvers<void>();
    const { engine } = createEchoEngine({ holdWarmUp: gate.promise });
    await using server = await startTestServer({ engines: [engine], flags: ['--keepalive-event-ms', '20'] });
    using socket = await TestSocket.open(server.url);
    socket.create({ generate: false });
    const frames = [];
    while (frames.filter((frame) => frame.type === 'response.in_progress').length < 4) frames.push(await socket.next());
    gate.resolve();
    frames.push(...(await socket.turn()));
    expect(frames.at(-1)).toMatchObject({ type: 'response.completed', response: { output: [] } });
  });

  it('fails the response in the end, aborts the engine, and leaves the socket usable', async () => {
    const { engine, calls } = createEchoEngine({
      hold: ({ context }) => (context.items.length === 1 ? new Promise(() => {}) : undefined),
    });
    await using server = await startTestServer({ engines: [engine], flags: ['--stall-timeout-ms', '50'] });
    using socket = await TestSocket.open(server.url);
    socket.create({});
    const last = (await socket.turn()).at(-1);
    expect(last).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', error: { code: 'engine_timeout' } },
    });
    await expect.poll(() => calls.some((call) => call.kind === 'aborted')).toBe(true);
    socket.create({
      input: [
        { role: 'user', content: 'a' },
        { role: 'user', content: 'b' },
      ],
    });
    expect((await socket.response()).status).toBe('completed');
  });
});

describe('an engine that fails', () => {
  it('ends in response.failed with an id to look up, and without the cause', async () => {
    const { engine } = createEchoEngine({
      answer: () => {
        throw new Error('secret of /etc/passwd');
      },
    });
    await using server = await startTestServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({});
    const last = (await socket.turn()).at(-1);
    expect(last).toMatchObject({ type: 'response.failed', response: { error: { code: 'server_error' } } });
    expect(JSON.stringify(last)).not.toContain('passwd');
    expect(JSON.stringify(last)).toMatch(/Request id: resp_/);
  });
});
