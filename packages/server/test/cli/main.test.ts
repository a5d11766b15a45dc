import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { environmentName, optionNames } from '../../src/config/options.ts';
import { createTestIo } from './world.ts';

async function runCli(...argv: string[]) {
  const { io, out, err } = createTestIo();
  const code = await run(argv, {}, io);
  return { code, out: out.text, err: err.text };
}

describe('longwire', () => {
  it.each([[[]], [['--help']], [['-h']]])('shows its commands and their examples with %j', async (argv) => {
    const { code, out, err } = await runCli(...argv);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('longwire serve --upstream http://127.0.0.1:8080/v1');
  });

  it('lists every option of serve', async () => {
    const { code, out } = await runCli('serve', '--port', '1', '--help');
    expect(code).toBe(0);
    for (const name of optionNames) expect(out).toContain(`\n  --${name} `);
    expect(out).toContain(environmentName('max-lanes'));
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(105);
  });

  it('shows its version', async () => {
    expect((await runCli('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([
    [['sevre'], 'longwire: Unknown command sevre. Did you mean serve? See longwire --help.\n'],
    [['--port=sk-1'], 'longwire: A command comes before its options: longwire serve --port.\n'],
    [['serve', '--prot'], 'longwire: Unknown option --prot. Did you mean --port?\n'],
    [['serve', '--config', '/none.yaml'], 'longwire: Cannot read the configuration file /none.yaml (ENOENT).\n'],
  ])('answers a mistake such as %j with one sentence and code 2', async (argv, sentence) => {
    expect(await runCli(...argv)).toEqual({ code: 2, out: '', err: sentence });
  });
});

describe('bin/longwire.mjs', () => {
  const bin = fileURLToPath(new URL('../../bin/longwire.mjs', import.meta.url));
  const execute = (nodeArguments: string[], ...argv: string[]) =>
    spawnSync(process.execPath, [...nodeArguments, bin, ...argv], { encoding: 'utf8', env: {} });

  it('runs the command line', () => {
    expect(execute([], '--version')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d/), stderr: '' });
    expect(execute([], 'serve', '--port', 'x')).toMatchObject({
      status: 2,
      stdout: '',
      stderr: "longwire: Invalid value for --port: expected a whole number from 0 to 65535, but got 'x'.\n",
    });
  });

  it('says in one sentence that an older Node will not do', () => {
    const older = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.19.0'})`;
    expect(execute(['--import', older], 'serve')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'Longwire needs Node.js 24 or newer, but this is 20.19.0: see https://nodejs.org.\n',
    });
  });
});
