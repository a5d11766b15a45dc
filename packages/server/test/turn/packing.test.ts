/** Which turns pack the chain that they end. */
import { expect, it } from 'vitest';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer, TestSocket } from '../harness.ts';

const usage = { inputTokens: 100_000, cachedTokens: 0, outputTokens: 1, reasoningTokens: 0 };

/** An engine that counts a long context, and how often the chain has asked for the text of one. */
function createWatchedEngine() {
  const { engine } = createEchoEngine({
    answer: () => [
      { type: 'text.delta', delta: 'Yes.' },
      { type: 'end', reason: 'stop', usage },
    ],
  });
  const asked: unknown[] = [];
  return { engine: { ...engine, text: (context: unknown) => (asked.push(context), []) }, asked };
}

async function ask(socket: TestSocket, fields: Record<string, unknown>) {
  socket.create(fields);
  return socket.response();
}

it('are those of a lane, and those whose responses are stored', async () => {
  const { engine, asked } = createWatchedEngine();
  await using server = await startTestServer({ engines: [engine] });
  const post = async (store: boolean): Promise<string> => {
    const body = JSON.stringify({ model: 'test-model', input: 'Hi.', store });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${server.url}/responses`, { method: 'POST', headers, body });
    return ((await answer.json()) as { status: string }).status;
  };
  expect(await post(false)).toBe('completed');
  expect(asked).toHaveLength(0);
  expect(await post(true)).toBe('completed');
  expect(asked).toHaveLength(1);
  using socket = await TestSocket.open(server.url);
  const first = await ask(socket, {});
  // The turn behind it begins once this one has done all that it had to.
  await ask(socket, { previous_response_id: first.id, input: 'Again.' });
  expect(asked.length).toBeGreaterThanOrEqual(2);
});

it('leave a conversation as it was: what was packed is continued, and read by those who need all of it', async () => {
  const { engine } = createWatchedEngine();
  const { engine: other } = createEchoEngine();
  const second = { ...other, name: 'second', models: async () => [{ id: 'second', created: 0, ownedBy: 'test' }] };
  await using server = await startTestServer({ engines: [engine, second] });
  using socket = await TestSocket.open(server.url);
  let last = await ask(socket, { input: 'one' });
  for (const input of ['two', 'three']) {
    last = await ask(socket, { input, previous_response_id: last.id });
  }
  const told = await ask(socket, { model: 'second', input: 'four', previous_response_id: last.id });
  expect(JSON.stringify(told.output)).toContain(
    'user:one | assistant | user:two | assistant | user:three | assistant | user:four',
  );
});

it('keep what the engine has of a parent that their node stands for', async () => {
  const { engine, calls } = createEchoEngine({
    answer: ({ context }) => [
      { type: 'text.delta', delta: 'Yes.' },
      // Two turns make a block.
      { type: 'end', reason: 'stop', usage: { ...usage, inputTokens: 20_000 + 1500 * context.items.length } },
    ],
  });
  await using server = await startTestServer({ engines: [engine] });
  using socket = await TestSocket.open(server.url);
  let last = await ask(socket, {});
  for (let turn = 0; turn < 6; turn++) last = await ask(socket, { previous_response_id: last.id });
  expect(calls.filter(({ kind }) => kind === 'release')).toHaveLength(0);
  // A history of its own lets go of the one before, and the turn behind it begins after that.
  await ask(socket, {});
  await ask(socket, {});
  expect(calls.filter(({ kind }) => kind === 'release').length).toBeGreaterThan(0);
});
