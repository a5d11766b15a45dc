/** `truncation: "auto"` on an engine that takes six items (dossier B.1). */
import { errors, type Item } from '@longwire/protocol';
import { expect, it } from 'vitest';
import type { Engine, EngineEvent, GenerateRequest } from '../../src/engine/engine.ts';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer, TestSocket } from '../harness.ts';

const limit = 6;

/** The echo engine, which refuses a context of more items than it takes. */
function createNarrowEngine() {
  const { engine, calls } = createEchoEngine();
  async function* generate(
    request: GenerateRequest<unknown>,
    signal: AbortSignal,
  ): AsyncGenerator<readonly EngineEvent[]> {
    const { items } = request.context as { items: readonly Item[] };
    if (items.length > limit) throw errors.contextLengthExceeded(limit, items.length);
    yield* engine.generate(request, signal);
  }
  const narrow: Engine = { ...engine, generate };
  return { engine: narrow, calls };
}

async function say(socket: TestSocket, fields: Record<string, unknown>) {
  socket.create({ truncation: 'auto', ...fields });
  const response = await socket.response();
  const [message] = response.output;
  const text = message?.type === 'message' && message.content[0]?.type === 'output_text' ? message.content[0].text : '';
  return { id: response.id, status: response.status, error: response.error, text };
}

it('drops the oldest turns of a chain, and the next turn goes on from what is left', async () => {
  const { engine, calls } = createNarrowEngine();
  await using server = await startTestServer({ engines: [engine] });
  using socket = await TestSocket.open(server.url);
  let id: string | null = null;
  const texts: string[] = [];
  let cuts = 0;
  for (let turn = 1; turn <= 12; turn++) {
    const before = calls.length;
    const said = await say(socket, { input: `${turn}`, previous_response_id: id });
    expect(said.status).toBe('completed');
    expect(said.text.endsWith(`user:${turn}`)).toBe(true);
    texts.push(said.text);
    ({ id } = said);
    // Only a turn that was refused derives a context again, in a few tries; the next one goes on from it.
    const derived = calls.slice(before).filter((call) => call.kind === 'extend' && call.items > 1);
    expect(derived.length).toBeLessThanOrEqual(4);
    if (derived.length > 0) cuts++;
  }
  expect(texts[2]).toBe('user:1 | assistant | user:2 | assistant | user:3');
  expect(texts[3]).not.toContain('user:1 ');
  expect(cuts).toBeGreaterThan(1);
  expect(cuts).toBeLessThan(8);
});

it('drops the beginning of a history that was sent whole, but never the call of an output', async () => {
  const { engine } = createNarrowEngine();
  await using server = await startTestServer({ engines: [engine] });
  using socket = await TestSocket.open(server.url);
  const input = [
    user('1'),
    user('2'),
    { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' },
    user('between'),
    { type: 'function_call_output', call_id: 'call_1', output: 'x' },
    user('3'),
    { type: 'function_call', call_id: 'call_2', name: 'f', arguments: '{}' },
    { type: 'function_call_output', call_id: 'call_2', output: 'x' },
  ];
  const { text } = await say(socket, { input });
  expect(text).toBe('user:3 | function_call:call_2 | function_call_output:call_2');
});

it('is an error without it, and where nothing can be dropped', async () => {
  const { engine } = createNarrowEngine();
  await using server = await startTestServer({ engines: [engine] });
  using socket = await TestSocket.open(server.url);
  const many = Array.from({ length: 8 }, (_, index) => user(`${index}`));
  const refused = await say(socket, { input: many, truncation: 'disabled' });
  expect(refused).toMatchObject({ status: 'failed', error: { code: 'context_length_exceeded' } });
  const calls = ['a', 'b', 'c', 'd'].flatMap((id) => [
    { type: 'function_call', call_id: id, name: 'f', arguments: '{}' },
    { type: 'function_call_output', call_id: id, output: 'x' },
  ]);
  const stuck = await say(socket, { input: calls });
  expect(stuck).toMatchObject({ status: 'failed', error: { code: 'context_length_exceeded' } });
});

function user(content: string): object {
  return { role: 'user', content };
}
