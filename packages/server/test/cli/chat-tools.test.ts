/** What an agent in `longwire chat` can do in a folder, and what it cannot. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunnableTool } from '@longwire/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApproval } from '../../src/cli/chat-approval.ts';
import { createFileTools, resolveWithin } from '../../src/cli/chat-folder.ts';
import { createShellTool } from '../../src/cli/chat-shell.ts';

const { signal } = new AbortController();
let root: string;
let folder: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'longwire-chat-')));
  folder = join(root, 'work');
  mkdirSync(join(folder, 'src'), { recursive: true });
  writeFileSync(join(folder, 'src', 'a.txt'), 'one two two');
  writeFileSync(join(root, 'secret.txt'), 'secret');
});
afterEach(() => rmSync(root, { recursive: true }));

/** What the tool returns; what it throws as the model would be told of it. */
async function call(tool: RunnableTool | undefined, args: Record<string, unknown>, by = signal): Promise<unknown> {
  try {
    return await tool?.run(args, { signal: by, callId: 'call_1' });
  } catch (error) {
    return (error as Error).message;
  }
}

const file = (name: string, args: Record<string, unknown>) =>
  call(
    createFileTools(folder).find((tool) => tool.name === name),
    args,
  );
const read = (path: string) => readFileSync(join(folder, path), 'utf8');

describe('files', () => {
  it('are listed, read, written and edited', async () => {
    expect(await file('write_file', { path: 'new/b.txt', text: 'B' })).toBe('ok');
    expect(await file('list_files', {})).toBe('new/\nsrc/');
    expect(await file('read_file', { path: 'new/b.txt' })).toBe('B');
    expect(await file('edit_file', { path: 'src/a.txt', find: 'one', replace: '$&' })).toBe('ok');
    expect(read('src/a.txt')).toBe('$& two two');
  });

  it('are edited where the text is there once', async () => {
    expect(await file('edit_file', { path: 'src/a.txt', find: 'two', replace: '' })).toContain('2 times');
    expect(await file('edit_file', { path: 'src/a.txt', find: 'three', replace: '' })).toBe('The text is not there.');
    expect(read('src/a.txt')).toBe('one two two');
  });

  it('are edited where they are text', async () => {
    writeFileSync(join(folder, 'picture.bin'), Buffer.from([97, 0xff, 98]));
    expect(await file('edit_file', { path: 'picture.bin', find: 'a', replace: 'b' })).toBe(
      'The file is no UTF-8 text.',
    );
    expect(readFileSync(join(folder, 'picture.bin'))).toEqual(Buffer.from([97, 0xff, 98]));
  });

  it('are read up to a limit', async () => {
    writeFileSync(join(folder, 'big.txt'), 'x'.repeat(70_000));
    expect(await file('read_file', { path: 'big.txt' })).toBe(`${'x'.repeat(65_536)}\n(4464 more bytes)`);
  });

  it.each(['../secret.txt', 'src/../../secret.txt', '/etc/passwd', '..', 'src/../..'])(
    'not outside: %s',
    async (path) => {
      const outside = `'${path}' is outside the folder.`;
      expect(await file('read_file', { path })).toBe(outside);
      expect(await file('write_file', { path, text: 'x' })).toBe(outside);
      expect(await file('list_files', { path })).toBe(outside);
      expect(readFileSync(join(root, 'secret.txt'), 'utf8')).toBe('secret');
    },
  );

  it('not through symbolic links, whatever they lead to', async () => {
    symlinkSync(join(root, 'secret.txt'), join(folder, 'link.txt'));
    symlinkSync(root, join(folder, 'up'));
    symlinkSync(join(root, 'not-yet.txt'), join(folder, 'dangling.txt'));
    for (const path of ['link.txt', 'up/secret.txt', 'up/new.txt', 'up/new/er.txt']) {
      expect(await file('write_file', { path, text: 'x' })).toBe(`'${path}' is outside the folder.`);
    }
    expect(await file('write_file', { path: 'dangling.txt', text: 'x' })).toContain('leads nowhere');
    expect(await file('list_files', {})).not.toContain('not-yet');
    expect(readFileSync(join(root, 'secret.txt'), 'utf8')).toBe('secret');
  });

  it('through links that stay inside', async () => {
    symlinkSync(join(folder, 'src'), join(folder, 'alias'));
    expect(await resolveWithin(folder, 'alias/a.txt')).toBe(join(folder, 'src', 'a.txt'));
  });

  it('errors name no path of this machine', async () => {
    for (const path of ['none.txt', 'src', 'src/a.txt/b', 'none/none']) {
      const answer = await file('read_file', { path });
      expect(answer).toMatch(/^(There is no such file|This is no file|A part of this path)/);
    }
  });
});

describe('the shell', () => {
  const limits = { timeoutMs: 60_000, maxOutputBytes: 1000 };
  const shell = (command: string, more: Partial<typeof limits> = {}, by = signal) =>
    call(
      createShellTool(folder, { PATH: process.env['PATH'], OPENAI_API_KEY: 'sk-1' }, { ...limits, ...more }),
      { command },
      by,
    );

  it('runs in the folder, without input and without keys', async () => {
    expect(await shell('pwd; cat; echo "[$OPENAI_API_KEY]"')).toBe(`${folder}\n[]`);
    expect(await shell('true')).toBe('(no output)');
    expect(await shell('echo no >&2; exit 3')).toBe('no\n(exit code 3)');
  });

  it('is stopped in time, with all that it started', async () => {
    expect(await shell('echo begun; sleep 600 & sleep 600', { timeoutMs: 300 })).toMatch(/\(stopped after 0.3 s\)$/);
    // What holds the output open after the end goes too.
    expect(await shell('sleep 600 & echo done')).toBe('done');
  });

  it('is stopped by the signal', async () => {
    const abort = new AbortController();
    const running = shell('sleep 600', {}, abort.signal);
    abort.abort();
    expect(await running).toBe('(exit code SIGKILL)');
  });

  it('says so much and no more', async () => {
    const said = await shell('head -c 5000 /dev/zero | tr "\\0" x');
    expect(said).toBe(`${'x'.repeat(1000)}\n(4000 more bytes)`);
  });
});

describe('approval', () => {
  const context = { signal, callId: 'call_1' };
  const edit = { callId: 'call_1', name: 'edit_file', args: { path: 'a', find: 'b\u001b[2J', replace: 'c' } };

  it('asks until it is answered; always is for the tool that it was said of', async () => {
    const answers = ['what?', 'y', 'no', 'always', 'n'];
    const asked: string[] = [];
    const approve = createApproval(async (question) => {
      asked.push(question);
      return answers.shift() ?? '';
    });
    expect(await approve(edit, context)).toBe(true);
    expect(await approve(edit, context)).toBe(false);
    expect(await approve(edit, context)).toBe(true);
    expect(await approve(edit, context)).toBe(true);
    expect(asked).toHaveLength(4);
    expect(await approve({ ...edit, name: 'shell', args: { command: 'ls' } }, context)).toBe(false);
    expect(asked.at(-1)).toBe('shell ls\nMay it run? [y]es, [n]o, [a]lways: ');
    expect(asked.join('')).not.toContain('\u001b');
  });

  it('needs nobody to read; without anybody nothing is changed', async () => {
    const approve = createApproval(null);
    expect(await approve({ ...edit, name: 'read_file' }, context)).toBe(true);
    expect(await approve(edit, context)).toContain('--yes');
  });
});
