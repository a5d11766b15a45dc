import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Scratch } from '../../src/cli/demo/scratch.ts';

const { signal } = new AbortController();
let scratch: Scratch;

beforeEach(() => {
  scratch = new Scratch();
});
afterEach(() => scratch[Symbol.dispose]());

/** What the model would be told. */
async function call(name: string, args: Record<string, unknown> = {}): Promise<unknown> {
  const tool = scratch.tools.find((each) => each.name === name);
  try {
    return await tool?.run(args, { signal, callId: 'call_1' });
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the scratch folder', () => {
  it('has a test that fails until the bug is gone', async () => {
    expect(await call('run_tests')).toBe('1 failed: add in math.js\nadd(2, 3): expected 5, got -1');
    expect(await call('edit_file', { path: 'math.js', find: 'a - b', replace: 'a + b' })).toBe('ok');
    expect(await scratch.test(signal)).toEqual({ passed: true, output: 'all tests passed' });
  });

  it('lists and reads its files', async () => {
    expect(await call('list_files')).toBe('math.js\nmath.test.js\npackage.json');
    expect(await call('read_file', { path: 'math.js' })).toContain('return a - b');
  });

  it.each([
    ['read_file', { path: '../../etc/passwd' }, 'no such file ../../etc/passwd'],
    ['edit_file', { path: 'math.test.js', find: '5', replace: '-1' }, 'math.test.js may only be read'],
    ['edit_file', { path: 'math.js', find: 'a * b', replace: 'a + b' }, 'text not found'],
    ['edit_file', { path: 'math.js', find: '', replace: 'a + b' }, 'text not found'],
  ])('tells the model what was wrong with %s %j', async (name, args, answer) => {
    expect(await call(name, args)).toBe(answer);
  });

  it('runs what the model wrote without the rights to write or to start anything', async () => {
    const evil = "import { writeFileSync } from 'node:fs';\nwriteFileSync('out.txt', '');\nexport function add";
    await call('edit_file', { path: 'math.js', find: 'export function add', replace: evil });
    const { passed, output } = await scratch.test(signal);
    expect(passed).toBe(false);
    expect(output).toContain('ERR_ACCESS_DENIED');
    expect(await call('list_files')).not.toContain('out.txt');
  });

  it('goes with its end', () => {
    const { path } = scratch;
    scratch[Symbol.dispose]();
    expect(existsSync(path)).toBe(false);
  });
});
