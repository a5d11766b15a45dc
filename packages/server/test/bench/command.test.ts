import { afterEach, beforeEach, expect, test } from 'vitest';
import { bench } from '../../src/cli/bench.ts';
import { parseBenchOptions } from '../../src/cli/bench-options.ts';
import type { Io } from '../../src/cli/io.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createScriptedEngine } from '../../src/engine/scripted/scripted.ts';
import { createLog } from '../../src/observe/log.ts';
import { startServer, type RunningServer } from '../../src/server.ts';
import { loadWorkload } from '../../../../bench/workloads/load.ts';

let server: RunningServer;

beforeEach(async () => {
  const log = createLog({ level: 'silent', format: 'json', destination: { write: () => {} } });
  const engine = createScriptedEngine({ workload: loadWorkload('stream-5'), rate: 'instant' });
  server = await startServer(
    loadConfig(['--port', '0', '--store', 'memory'], {}, () => ''),
    log,
    { engines: [engine] },
  );
});

afterEach(() => server.close());

async function run(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const io: Io = {
    out: { isTerminal: false, write: (text) => void (out += text) },
    err: { isTerminal: false, write: (text) => void (err += text) },
    readFile: () => '',
    onStopSignal: () => () => {},
    onReload: () => () => {},
    elapsedMs: () => 0,
  };
  const code = await bench.run(['--target', server.url, ...args], {}, io);
  return { code, out, err };
}

test('every mode holds the conversation and has its line', async () => {
  const modes = 'http-new,http-full,http-previous,ws-codex,ws-codex-deflate,ws-delta';
  const { code, out, err } = await run(['--model', 'stream-5', '--modes', modes, '--turns', '3', '--rounds', '1']);
  expect(err).toBe('');
  expect(code).toBe(0);
  expect(out.trim().split('\n')).toHaveLength(1 + 6);
  expect(out).toMatch(/HTTP, full history, new connection .* 0 %/);
});

test('a model that the server lacks is told, and the exit code is 1', async () => {
  const { code, err } = await run(['--model', 'nobody', '--modes', 'http-full,ws-delta']);
  expect(code).toBe(1);
  expect(err).toMatch(/http-full failed: The server answered 404: .*\n.*ws-delta failed: /s);
});

test.each([
  [['--model', 'm'], '--target needs the base URL'],
  [['--target', 'http://a'], '--model needs the name'],
  [['--target', 'http://a', '--model', 'm', '--modes', 'ws'], '--modes has no ws'],
  [['--target', 'http://a', '--model', 'm', '--turns', '0'], '--turns needs a whole number'],
  [['--target', 'http://a', '--modle', 'm'], 'Unknown option --modle.'],
])('a mistake on the command line is a sentence: %j', (argv, sentence) => {
  expect(() => parseBenchOptions(argv, {})).toThrow(sentence);
});

test('a key may come from the environment, and is never repeated', () => {
  const argv = ['--target', 'http://a', '--model', 'm', '--api-key', 'env:BENCH_KEY'];
  expect(parseBenchOptions(argv, { BENCH_KEY: 'secret' }).apiKey).toBe('secret');
  expect(() => parseBenchOptions(argv, {})).toThrow('--api-key takes the key from BENCH_KEY, which is not set.');
});
