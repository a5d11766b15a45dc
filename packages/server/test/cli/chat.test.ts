import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { parseChatOptions } from '../../src/cli/chat-options.ts';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer, textTurn } from '../harness.ts';
import { ctrlC, ctrlD, startChat } from './chat-world.ts';

const longwire = fileURLToPath(new URL('../../bin/longwire.mjs', import.meta.url));

/** A base URL of this machine where nothing listens. */
async function deadUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}/v1`;
}

/** Its answer to a first question does not end by itself; `held` resolves when it has begun. */
function createHoldingEngine() {
  const held = Promise.withResolvers<void>();
  const echo = createEchoEngine({
    hold: ({ context }) => {
      if (context.items.length > 1) return undefined;
      held.resolve();
      return new Promise(() => {});
    },
  });
  return { ...echo, held: held.promise };
}

describe('one question', () => {
  it('prints the answer and nothing else', async () => {
    await using server = await startTestServer();
    const { exit, out, err, signals } = startChat(['--url', server.url, 'Hi', 'there'], { isInteractive: false });
    expect(await exit).toBe(0);
    expect(out.text).toBe('Hello.\n');
    expect(err.text).toBe('');
    expect(signals.listenerCount('signal')).toBe(0);
  });

  it('is the words of the command line, told after the instructions', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const argv = ['--url', server.url, '--model', 'test-model', '--instructions', 'Be brief.', 'Why', 'blue?'];
    const { exit, out } = startChat(argv, { isInteractive: false });
    expect(await exit).toBe(0);
    expect(out.text).toBe('user:Why blue?\n');
    expect(calls.find(({ kind }) => kind === 'generate')).toMatchObject({
      request: { preamble: { instructions: 'Be brief.' } },
    });
  });

  it('may be piped in', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const { exit, out, pipe } = startChat(['--url', server.url], { isInteractive: false });
    pipe('a\nlong question\n');
    expect(await exit).toBe(0);
    expect(out.text).toBe('user:a\nlong question\n');
  });

  it('is asked over HTTP where WebSocket mode is off', async () => {
    await using server = await startTestServer({ flags: ['--no-websocket'] });
    const { exit, out } = startChat(['--url', server.url, 'Hi'], { isInteractive: false });
    expect(await exit).toBe(0);
    expect(out.text).toBe('Hello.\n');
  });

  it('shows figures where people watch', async () => {
    await using server = await startTestServer();
    // Start, first token, end.
    const world = startChat(['--url', server.url, 'Hi'], { clockMs: [1000, 1250, 1350], env: { NO_COLOR: '1' } });
    expect(await world.exit).toBe(0);
    expect(world.out.text).toBe('Hello.\n');
    expect(world.err.text).toBe('0.25 s to first token · 40.0 tokens/s · 20 tokens in (12 cached) · 5 out\n');
  });

  it('ends with the code of the signal that stops it', async () => {
    const { engine, calls, held } = createHoldingEngine();
    await using server = await startTestServer({ engines: [engine] });
    const { exit, send, out } = startChat(['--url', server.url, 'Hi'], { isInteractive: false });
    await out.until('user:Hi');
    await held;
    send('SIGINT');
    expect(await exit).toBe(130);
    await server.drain();
    expect(calls).toContainEqual({ kind: 'aborted' });
  });
});

describe('what goes wrong', () => {
  it('nothing listens', async () => {
    const url = await deadUrl();
    const { exit } = startChat(['--url', url, 'Hi']);
    await expect(exit).rejects.toThrow(`Nothing listens at ${url}: start a server with "longwire serve"`);
  });

  it.each([
    [[], 'wants a key: give it with --api-key.'],
    [['--api-key', 'wrong-secret'], 'does not accept this key.'],
  ])('the key: %j', async (flags, sentence) => {
    await using server = await startTestServer({ flags: ['--api-key', 'team=right-secret'] });
    const { exit } = startChat(['--url', server.url, ...flags, 'Hi']);
    await expect(exit).rejects.toThrow(`The server at ${server.url} ${sentence}`);
  });

  it('the right key, taken from the environment, is none of it', async () => {
    await using server = await startTestServer({ flags: ['--api-key', 'team=right-secret'] });
    const argv = ['--url', server.url, '--api-key', 'env:TEAM', 'Hi'];
    const { exit, out } = startChat(argv, { env: { TEAM: 'right-secret' } });
    expect(await exit).toBe(0);
    expect(out.text).toBe('Hello.\n');
  });

  it('the model', async () => {
    await using server = await startTestServer();
    const { exit } = startChat(['--url', server.url, '--model', 'gpt-9', 'Hi']);
    await expect(exit).rejects.toThrow(/'gpt-9' does not exist.* The server has: test-model\.$/);
  });

  it.each([
    [['--ulr', 'http://x/v1'], 'Unknown option --ulr. Did you mean --url?'],
    [['--model'], '--model needs a value: --model MODEL.'],
    [['--model', '--url'], '--model needs a value: --model MODEL.'],
    [['--url', 'localhost:8787'], '--url needs the base URL of a server'],
    [['--api-key', 'env:UNSET'], 'UNSET, which is not set'],
  ])('the command line: %j', (argv, sentence) => {
    expect(() => parseChatOptions(argv, {})).toThrow(sentence);
  });

  it('nothing is said', async () => {
    const { exit, pipe } = startChat([], { isInteractive: false });
    pipe('  \n');
    await expect(exit).rejects.toThrow('Nothing to say');
  });
});

describe('a conversation at the terminal', () => {
  it('goes on from turn to turn and sends new items only', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const { exit, out, say, press } = startChat(['--url', server.url]);
    await out.until('> ');
    say('one');
    await out.until('user:one\n');
    await out.until('> ');
    say('two');
    await out.until('user:one | assistant | user:two\n');
    await out.until('> ');
    press(ctrlD);
    expect(await exit).toBe(0);
    // The question, the answer, the question, the answer: one item each, and nothing twice.
    expect(calls.flatMap((call) => (call.kind === 'extend' ? [call.items] : []))).toEqual([1, 1, 1, 1]);
  });

  it('Ctrl-C stops the answer, and the conversation goes on with what was shown', async () => {
    const { engine, calls, held } = createHoldingEngine();
    await using server = await startTestServer({ engines: [engine] });
    const { exit, out, say, press } = startChat(['--url', server.url]);
    await out.until('> ');
    say('one');
    await out.until('user:one');
    await held;
    press(ctrlC);
    await out.until('Stopped.');
    await out.until('> ');
    say('two');
    await out.until('user:one | assistant | user:two\n');
    await out.until('> ');
    say('/quit');
    expect(await exit).toBe(0);
    await server.drain();
    expect(calls).toContainEqual({ kind: 'aborted' });
  });

  it('a second Ctrl-C ends it; a line in between counts from the start', async () => {
    await using server = await startTestServer();
    const { exit, out, say, press, signals } = startChat(['--url', server.url]);
    await out.until('> ');
    press(ctrlC);
    await out.until('Ctrl-C again ends');
    say('Hi');
    await out.until('Hello.');
    await out.until('> ');
    press(ctrlC);
    await out.until('Ctrl-C again ends');
    press(ctrlC);
    expect(await exit).toBe(0);
    expect(signals.listenerCount('signal')).toBe(0);
  });

  it('waits for a server that is replaced, and goes on with the whole conversation', async () => {
    const { engine } = createEchoEngine();
    const first = await startTestServer({ engines: [engine] });
    const { port } = new URL(first.url);
    const { exit, out, say, press } = startChat(['--url', first.url]);
    await out.until('> ');
    say('one');
    await out.until('user:one\n');
    await out.until('> ');
    await first.close();
    say('two');
    await using second = await startTestServer({ engines: [createEchoEngine().engine], flags: ['--port', port] });
    expect(second.url).toBe(first.url);
    await out.until('user:one | assistant | user:two\n');
    press(ctrlD);
    expect(await exit).toBe(0);
  });

  it('a failed turn is one sentence, and the conversation goes on without it', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const { exit, out, err, say, press } = startChat(['--url', server.url]);
    await out.until('> ');
    say('one');
    await out.until('user:one\n');
    say('/model gone');
    await out.until('Talking to gone.');
    say('lost');
    await err.until("'gone' does not exist");
    say('/model test-model');
    await out.until('Talking to test-model.');
    say('two');
    await out.until('user:one | assistant | user:two\n');
    press(ctrlD);
    expect(await exit).toBe(0);
  });

  it('/new forgets, /model lists, /help tells, and what is unknown is said', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const { exit, out, say, press } = startChat(['--url', server.url]);
    await out.until('> ');
    say('one');
    await out.until('user:one\n');
    say('/new');
    await out.until('A new conversation.');
    say('two');
    expect(await out.until('user:two\n')).not.toContain('one');
    say('/model');
    await out.until('* test-model\n');
    say('/help');
    await out.until('/quit');
    say('/exit');
    await out.until('There is no /exit');
    press(ctrlD);
    expect(await exit).toBe(0);
  });

  it.each([
    [{}, '\u001b[2mHm.\u001b[22m\nYes.\n'],
    [{ NO_COLOR: '1' }, '\nYes.\n'],
  ])('thoughts are dim, or not shown: %j', async (env, shown) => {
    const { engine } = createEchoEngine({
      answer: () => [
        { type: 'reasoning.delta', delta: 'Hm.' },
        { type: 'item.end' },
        { type: 'text.delta', delta: 'Yes.' },
      ],
    });
    await using server = await startTestServer({ engines: [engine] });
    const { exit, out, say, press } = startChat(['--url', server.url], { env });
    await out.until('> ');
    say('one');
    expect(await out.until('Yes.\n')).toContain(shown);
    press(ctrlD);
    expect(await exit).toBe(0);
  });

  it('obeys no escape sequence of the model', async () => {
    await using server = await startTestServer({ turns: [textTurn('a\u001b[2Jb\u0007c\td')] });
    const { exit, out, say, press } = startChat(['--url', server.url]);
    await out.until('> ');
    say('one');
    await out.until('a[2Jbc\td\n');
    press(ctrlD);
    expect(await exit).toBe(0);
  });

  it('tells the model of a tool that is not there, and goes on', async () => {
    const { engine } = createEchoEngine({
      answer: ({ context: { items } }) =>
        items.length === 3
          ? [
              { type: 'call.start', kind: 'function', name: 'look', callId: 'call_1' },
              { type: 'call.delta', delta: '{}' },
              { type: 'item.end' },
            ]
          : [{ type: 'text.delta', delta: `${items.length} items` }],
    });
    await using server = await startTestServer({ engines: [engine] });
    const { exit, out, say, press } = startChat(['--url', server.url], { env: { NO_COLOR: '1' } });
    await out.until('> ');
    say('one');
    await out.until('1 items\n');
    say('two');
    await out.until("> look {}\n  error: There is no tool 'look'. There are: none.\n");
    // Two questions, the answer to the first, the call and its output.
    await out.until('5 items\n');
    press(ctrlD);
    expect(await exit).toBe(0);
  });
});

describe('the program', () => {
  it('answers a prompt from the command line', async () => {
    await using server = await startTestServer();
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      longwire,
      'chat',
      '--url',
      server.url,
      'Hi',
    ]);
    expect({ stdout, stderr }).toEqual({ stdout: 'Hello.\n', stderr: '' });
  });

  it('answers what is piped in', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const child = spawn(process.execPath, [longwire, 'chat', '--url', server.url]);
    child.stdin.end('from a pipe');
    expect(await text(child.stdout)).toBe('user:from a pipe\n');
    if (child.exitCode === null) await once(child, 'exit');
    expect(child.exitCode).toBe(0);
  });

  it('ends with 1 and one sentence when nothing listens', async () => {
    const url = await deadUrl();
    const failed = promisify(execFile)(process.execPath, [longwire, 'chat', '--url', url, 'Hi']);
    await expect(failed).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: `longwire: Nothing listens at ${url}: start a server with "longwire serve", or name another with --url.\n`,
    });
  });
});
