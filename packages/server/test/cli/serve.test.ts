import { afterEach, describe, expect, it, vi } from 'vitest';
import { createServeCommand } from '../../src/cli/serve.ts';
import type { StartServer } from '../../src/cli/serve.ts';
import { createExtensionCounts } from '../../src/observe/extension-counts.ts';
import { createTestIo } from './world.ts';

afterEach(() => {
  vi.useRealTimers();
});

const models = [{ id: 'tiny-demo', created: 0, ownedBy: 'longwire', description: 'A demo.' }];

/** Starts `longwire serve` over a server whose drain the test controls. */
function serveWith(argv: readonly string[], start?: StartServer) {
  const drained = Promise.withResolvers<void>();
  const world = createTestIo();
  const startServer: StartServer =
    start ??
    (async () => ({
      url: 'http://127.0.0.1:8787/v1',
      models,
      counts: createExtensionCounts(),
      metricsUrl: null,
      drain: () => drained.promise,
      reload: () => {},
      close: async () => {},
    }));
  const listening = Promise.withResolvers<void>();
  const io = {
    ...world.io,
    onStopSignal: (listener: Parameters<typeof world.io.onStopSignal>[0]) => {
      listening.resolve();
      return world.io.onStopSignal(listener);
    },
  };
  const exit = createServeCommand(async () => startServer).run(argv, {}, io);
  return { ...world, exit, listening: listening.promise, drained };
}

describe('longwire serve', () => {
  it('prints the banner, and ends with 0 once drained', async () => {
    const { exit, listening, out, send, drained, signals } = serveWith([]);
    await listening;
    expect(out.text).toContain('ready in 123 ms');
    send('SIGTERM');
    drained.resolve();
    expect(await exit).toBe(0);
    expect(signals.listenerCount('signal')).toBe(0);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends at once at a second signal: %s', async (signal, code) => {
    const { exit, listening, send } = serveWith([]);
    await listening;
    send('SIGTERM');
    send(signal);
    expect(await exit).toBe(code);
  });

  it('ends with 1 when the drain hangs', async () => {
    vi.useFakeTimers();
    const { exit, listening, send, err } = serveWith(['--drain-timeout-ms', '60000']);
    await listening;
    send('SIGINT');
    let ended = false;
    const code = exit.finally(() => (ended = true));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ended).toBe(false);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await code).toBe(1);
    expect(err.text).toContain('did not stop in time');
  });

  it('ends with 1 when the drain fails', async () => {
    const { exit, listening, send, drained, err } = serveWith([]);
    await listening;
    send('SIGTERM');
    drained.reject(new Error('disk gone'));
    expect(await exit).toBe(1);
    expect(err.text).toContain('disk gone');
  });

  it('logs one JSON line in place of the banner', async () => {
    const { exit, listening, out, err, send, drained } = serveWith(['--log-format', 'json']);
    await listening;
    expect(out.text).toBe('');
    expect(JSON.parse(err.text)).toMatchObject({
      message: 'listening',
      url: 'http://127.0.0.1:8787/v1',
      models: ['tiny-demo'],
      startedInMs: 123,
    });
    send('SIGTERM');
    drained.resolve();
    await exit;
  });

  it.each([
    ['EADDRINUSE', 'Port 8787 on 127.0.0.1 is taken: choose another with --port, or 0 for a free one.'],
    ['EACCES', 'Port 8787 on 127.0.0.1 is not for this user: choose one above 1023 with --port.'],
    ['EADDRNOTAVAIL', '127.0.0.1 is no address of this machine: choose another with --host.'],
    ['EOTHER', 'listen failed'],
  ])('says what to do about %s', async (code, sentence) => {
    const { exit } = serveWith([], async () => {
      throw Object.assign(new Error('listen failed'), { code, syscall: 'listen' });
    });
    await expect(exit).rejects.toThrow(sentence);
  });
});
