/** `longwire chat` with tools and commands, at a terminal that a test types at. */
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDemoServer } from '../../src/cli/demo/server.ts';
import { parseChatOptions } from '../../src/cli/chat-options.ts';
import type { EngineEvent } from '../../src/engine/engine.ts';
import { createRememberingEngine } from '../compaction/world.ts';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer } from '../harness.ts';
import { ctrlC, ctrlD, startChat } from './chat-world.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'longwire-chat-')));
});
afterEach(() => rmSync(folder, { recursive: true }));

const env = { NO_COLOR: '1', PATH: process.env['PATH'] };

/** A model that makes this call at each word of the user, and then says what came of it. */
function createCallingEngine(name: string, args: object) {
  return createEchoEngine({
    answer({ context: { items } }): EngineEvent[] {
      const last = items.at(-1);
      if (last?.type === 'function_call_output')
        return [{ type: 'text.delta', delta: `It said: ${last.output as string}` }];
      return [
        { type: 'call.start', kind: 'function', name, callId: `call_${items.length}` },
        { type: 'call.delta', delta: JSON.stringify(args) },
        { type: 'item.end' },
      ];
    },
  });
}

describe('tools', () => {
  it('are asked for: yes, no, always', async () => {
    const { engine } = createCallingEngine('shell', { command: 'echo hi >> log; wc -l < log' });
    await using server = await startTestServer({ engines: [engine] });
    const argv = ['--url', server.url, '--tools', 'shell', '--folder', folder];
    const { exit, out, say, press } = startChat(argv, { env });
    await out.until('> ');
    say('one');
    await out.until('May it run? [y]es, [n]o, [a]lways: ');
    say('y');
    await out.until('It said: 1\n');
    say('two');
    await out.until('May it run?');
    say('n');
    await out.until('It said: error: The user did not allow this call.\n');
    say('three');
    await out.until('May it run?');
    say('a');
    await out.until('It said: 2\n');
    say('four');
    expect(await out.until('It said: 3\n')).not.toContain('May it run?');
    press(ctrlD);
    expect(await exit).toBe(0);
  });

  it('run in a script with --yes, and only the words of the model are the output', async () => {
    const { engine } = createCallingEngine('write_file', { path: 'a.txt', text: 'A' });
    await using server = await startTestServer({ engines: [engine] });
    const argv = ['--url', server.url, '--tools', 'files', '--folder', folder, '--yes', 'Write.'];
    const { exit, out } = startChat(argv, { isInteractive: false, env });
    expect(await exit).toBe(0);
    expect(out.text).toBe('It said: ok\n');
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('A');
  });

  it('change nothing in a script without it', async () => {
    const { engine } = createCallingEngine('write_file', { path: 'a.txt', text: 'A' });
    await using server = await startTestServer({ engines: [engine] });
    const argv = ['--url', server.url, '--tools', 'files', '--folder', folder, 'Write.'];
    const { exit, out } = startChat(argv, { isInteractive: false, env });
    expect(await exit).toBe(0);
    expect(out.text).toContain('start the chat with --yes');
  });

  it('Ctrl-C stops what runs, and what is asked; the conversation goes on', async () => {
    const { engine } = createCallingEngine('shell', { command: 'echo started > log; sleep 600' });
    await using server = await startTestServer({ engines: [engine] });
    const argv = ['--url', server.url, '--tools', 'shell', '--folder', folder];
    const { exit, out, say, press } = startChat(argv, { env });
    await out.until('> ');
    say('one');
    await out.until('May it run?');
    press(ctrlC);
    await out.until('Stopped.\n');
    say('two');
    await out.until('May it run?');
    say('y');
    press(ctrlC);
    await out.until('Stopped.\n');
    press(ctrlD);
    expect(await exit).toBe(0);
  });
});

it('the demo model looks into the folder', async () => {
  writeFileSync(join(folder, 'math.js'), '');
  await using server = await startDemoServer(['--model', 'demo']);
  const argv = ['--url', server.url, '--tools', 'files', '--folder', folder, 'What files are here?'];
  const { exit, out } = startChat(argv, { isInteractive: false, env });
  expect(await exit).toBe(0);
  expect(out.text).toBe('The files are: math.js.\n');
});

describe('commands', () => {
  it('/steer speaks to the answer that runs', async () => {
    const { engine } = createEchoEngine({
      hold: ({ context: { items } }) => (items.length === 1 ? new Promise(() => {}) : undefined),
    });
    await using server = await startTestServer({ engines: [engine] });
    const { exit, out, say, press } = startChat(['--url', server.url], { env });
    await out.until('> ');
    say('/steer nobody');
    await out.until('No answer runs.\n');
    say('one');
    await out.until('user:one');
    say('/steer two');
    await out.until('user:one | assistant | user:two\n');
    press(ctrlD);
    expect(await exit).toBe(0);
  });

  it('/fork goes another way, /branch comes back', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const { exit, out, say, press } = startChat(['--url', server.url], { env });
    await out.until('> ');
    say('one');
    await out.until('user:one\n');
    say('/fork other');
    await out.until('In other; /branch main goes back.\n');
    say('two');
    await out.until('user:one | assistant | user:two\n');
    say('/branch main');
    await out.until('* main\n  other\n');
    say('three');
    await out.until('user:one | assistant | user:three\n');
    say('/fork other');
    // Errors go to the other stream, which is the same terminal.
    say('/branch other');
    await out.until('* other\n');
    say('four');
    await out.until('user:one | assistant | user:two | assistant | user:four\n');
    press(ctrlD);
    expect(await exit).toBe(0);
  });

  it('/compact lets the server forget the words and keep what they said', async () => {
    const { engine } = createRememberingEngine();
    await using server = await startTestServer({ engines: [engine] });
    const { exit, out, err, say, press } = startChat(['--url', server.url], { env });
    await out.until('> ');
    say('/compact');
    await err.until('Nothing was said yet.');
    say('fact-1');
    await out.until('I know fact-1.');
    say('/compact');
    await out.until('Compacted: ');
    say('fact-2');
    await out.until('I know fact-1 fact-2.');
    press(ctrlD);
    expect(await exit).toBe(0);
  });

  it('--store keeps a conversation, --resume and /resume take it up', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const first = startChat(['--url', server.url, '--store'], { env });
    await first.out.until('> ');
    first.say('one');
    await first.out.until('user:one\n');
    first.press(ctrlD);
    expect(await first.exit).toBe(0);
    const id = /--resume (resp_\w+)/.exec(first.out.text)?.[1] ?? '';
    const second = startChat(['--url', server.url, '--resume', id, 'two'], { env, isInteractive: false });
    expect(await second.exit).toBe(0);
    expect(second.out.text).toBe('user:one | assistant | user:two\n');
    const third = startChat(['--url', server.url], { env });
    await third.out.until('> ');
    third.say(`/resume ${id}`);
    await third.out.until(`go on from ${id}`);
    third.say('three');
    await third.out.until('user:one | assistant | user:three\n');
    third.press(ctrlD);
    expect(await third.exit).toBe(0);
  });
});

describe('the terminal', () => {
  it('tells in its title how the answer comes', async () => {
    const deltas: EngineEvent[] = ['a', 'b', 'c'].map((delta) => ({ type: 'text.delta', delta }));
    const { engine } = createEchoEngine({ answer: () => deltas });
    await using server = await startTestServer({ engines: [engine] });
    // Start, three tokens, end.
    const { exit, out, say, press } = startChat(['--url', server.url], { clockMs: [0, 500, 600, 1500, 1500] });
    await out.until('> ');
    say('Hi');
    await out.until('tokens in');
    expect(out.text).toContain(
      '\u001b]0;0.50 s to first token\u0007ab\u001b]0;2.0 tokens/s · 0.50 s to first token\u0007c\n',
    );
    press(ctrlD);
    expect(await exit).toBe(0);
    expect(out.text).toContain('\u001b]0;\u0007');
  });
});

it.each([
  [['--tools', 'shel'], '--tools has no shel. Did you mean shell?'],
  [['--folder', '/nowhere/at/all'], '--folder: /nowhere/at/all is no folder.'],
  [['--yes=no'], '--yes is a switch: it takes no value.'],
])('a mistake on the command line is a sentence: %j', (argv, sentence) => {
  expect(() => parseChatOptions(argv, {})).toThrow(sentence);
});

it('the command line has tools of a folder, and words after switches', () => {
  const argv = ['--tools', 'shell', '--tools', 'files,shell', '--folder', folder, '--yes', 'Go', 'on.'];
  expect(parseChatOptions(argv, {})).toMatchObject({
    tools: ['shell', 'files'],
    folder,
    isYes: true,
    isStored: false,
    resume: null,
    prompt: 'Go on.',
  });
});
