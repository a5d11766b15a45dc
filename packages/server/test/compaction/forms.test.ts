/** The three ways to compact (dossier H.1), on the wire and as the model sees them. */
import OpenAI from 'openai';
import type { Item } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { createEchoEngine, type EchoCall } from '../echo-engine.ts';
import { callTurn, startTestServer, TestSocket, textTurn } from '../harness.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import {
  createRememberingEngine,
  lastContext,
  otherKey,
  sealingKey,
  startCompactingServer,
  summariesIn,
} from './world.ts';

const trigger = { type: 'compaction_trigger' };
const say = (role: string, content: string) => ({ type: 'message', role, content });
const noteOf = (facts: string) => expect.stringMatching(new RegExp(`^user: .*\\n\\nRead so far: ${facts}\\n\\n`, 's'));

type Response = Awaited<ReturnType<TestSocket['response']>>;

function sealedOf({ output }: Pick<Response, 'output'>): Item {
  const item = output.find((each) => each.type === 'compaction');
  if (!item) throw new Error('There is no compaction item.');
  return item;
}

function textOf({ output }: Pick<Response, 'output'>): string {
  const message = output.find((item) => item.type === 'message');
  return message?.type === 'message' ? message.content.map((part) => ('text' in part ? part.text : '')).join('') : '';
}

describe('compaction_trigger', () => {
  it('makes exactly one compaction item, with its own events', async () => {
    const { engine } = createRememberingEngine();
    await using server = await startCompactingServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ input: [say('user', 'fact-1'), trigger] });
    const frames = await socket.turn();
    expect(frames.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.compaction.compacting',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(frames.map((frame) => frame.sequence_number)).toEqual([0, 1, 2, 3, 4, 5]);
    const [, , added, compacting, done, completed] = frames;
    const id = expect.stringMatching(/^cmp_/);
    expect(added).toMatchObject({ output_index: 0, item: { type: 'compaction', id, encrypted_content: '' } });
    expect(compacting).toMatchObject({ output_index: 0, item_id: id });
    expect(done).toMatchObject({ item: { type: 'compaction', id, encrypted_content: expect.stringMatching(/^lw1_/) } });
    const [item] = completed && 'response' in completed ? completed.response.output : [];
    expect(done && 'item' in done && done.item).toEqual(item);
  });

  it('lets the chain begin anew: the model sees its orders, the newest words of the user, and its note', async () => {
    const { engine, calls } = createRememberingEngine();
    await using server = await startCompactingServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ input: [say('developer', 'Be brief.'), say('user', 'fact-1')] });
    socket.create({ previous_response_id: (await socket.response()).id, input: [say('user', 'fact-2'), trigger] });
    socket.create({ previous_response_id: (await socket.response()).id, input: 'Report.' });
    expect(textOf(await socket.response())).toBe('I know fact-1 fact-2.');
    expect(lastContext(calls)).toEqual([
      'developer: Be brief.',
      'user: fact-1',
      'user: fact-2',
      noteOf('fact-1 fact-2'),
      'user: Report.',
    ]);
  });

  it('keeps the summary hidden from everybody but the model', async () => {
    const { engine } = createRememberingEngine();
    const store = createMemoryStore();
    await using server = await startCompactingServer({ engines: [engine], store });
    using socket = await TestSocket.open(server.url);
    socket.create({ input: [say('user', 'fact-1'), trigger], store: true });
    const frames = await socket.turn();
    expect(JSON.stringify(frames)).not.toContain('Read so far');
    const last = frames.at(-1);
    const stored = await store.get('default', last && 'response' in last ? last.response.id : '');
    expect(stored?.response.output).toMatchObject([{ type: 'compaction' }]);
    expect(JSON.stringify(stored)).not.toContain('Read so far');
  });

  it('asks the model with its own instructions and tools, and lets it call none', async () => {
    const { engine, calls } = createRememberingEngine();
    await using server = await startCompactingServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    const tools = [{ type: 'function', name: 'look', parameters: {} }];
    const text = { format: { type: 'json_object' } };
    socket.create({
      instructions: 'Be brief.',
      tools,
      text,
      tool_choice: 'required',
      input: [say('user', 'fact-1'), trigger],
    });
    await socket.response();
    const asked = calls.find((call) => call.kind === 'generate')?.request;
    expect(asked).toMatchObject({
      purpose: 'summary',
      preamble: { instructions: 'Be brief.', tools: [{ name: 'look' }] },
      settings: { tool_choice: 'none', text: { format: { type: 'text' } }, max_output_tokens: 8192 },
      requested: { tool_choice: 'none' },
    });
    expect(asked?.requested).not.toHaveProperty('text');
  });

  it('fails clearly when the model writes nothing, and the chain stays as it was', async () => {
    const { engine } = createEchoEngine({
      answer: ({ purpose, context }) => [
        { type: 'text.delta', delta: purpose === 'summary' ? ' ' : `${context.items.length} items` },
      ],
    });
    await using server = await startCompactingServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ store: true });
    const { id } = await socket.response();
    socket.create({ previous_response_id: id, input: [trigger] });
    const failed = await socket.response();
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'engine_unavailable' } });
    socket.create({ previous_response_id: id });
    expect(textOf(await socket.response())).toBe('3 items');
  });

  it('can be cancelled; what was not finished is no part of the chain', async () => {
    const { engine } = createEchoEngine({
      hold: ({ purpose }) => (purpose === 'summary' ? new Promise(() => {}) : undefined),
    });
    await using server = await startCompactingServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ input: [say('user', 'one'), trigger] });
    const created = await socket.next();
    if (!('response' in created)) throw new Error('No response.');
    while ((await socket.next()).type !== 'response.compaction.compacting');
    socket.send({ type: 'response.cancel', response_id: created.response.id });
    const cancelled = await socket.response();
    expect(cancelled).toMatchObject({ status: 'incomplete', output: [{ type: 'compaction', encrypted_content: '' }] });
    socket.create({ previous_response_id: cancelled.id, input: 'two' });
    expect(textOf(await socket.response())).toBe('user:one | user:two');
  });

  it('goes on at the same place of a replayed workload', async () => {
    const turns = [textTurn('First.'), callTurn(['call_1', 'look', '{}']), textTurn('Third.')];
    await using server = await startCompactingServer({ turns });
    using socket = await TestSocket.open(server.url);
    socket.create({});
    socket.create({ previous_response_id: (await socket.response()).id, input: [trigger] });
    socket.create({ previous_response_id: (await socket.response()).id, input: 'Go on.' });
    expect((await socket.response()).output).toMatchObject([{ type: 'function_call', name: 'look' }]);
  });
});

describe('context_management with compact_threshold', () => {
  const context_management = [{ type: 'compaction', compact_threshold: 100 }];

  it('compacts inside the response that crosses it, and goes on', async () => {
    const { engine, calls } = createRememberingEngine();
    await using server = await startCompactingServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    socket.create({ input: 'fact-1', context_management });
    const first = await socket.response();
    expect(first.output.map(({ type }) => type)).toEqual(['message']);
    const input = [say('user', `fact-2 ${'x'.repeat(400)}`)];
    socket.create({ previous_response_id: first.id, input, context_management });
    const frames = await socket.turn();
    expect(frames.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.compaction.compacting',
      'response.output_item.done',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    const last = frames.at(-1);
    const response = last && 'response' in last ? last.response : null;
    expect(response?.output.map(({ type }) => type)).toEqual(['compaction', 'message']);
    // The usage is that of the context as it is now, so that a client sees it shrink.
    expect(response?.usage?.input_tokens).toBeLessThan(250);
    expect(lastContext(calls)).toEqual([noteOf('fact-1 fact-2')]);
    socket.create({ previous_response_id: response?.id, input: 'Report.', context_management });
    expect(textOf(await socket.response())).toBe('I know fact-1 fact-2.');
  });

  it('counts with the engine where the engine can', async () => {
    const { engine, calls } = createRememberingEngine();
    let counted = 99;
    const counting = { ...engine, count: () => Promise.resolve(counted++) };
    await using server = await startCompactingServer({ engines: [counting] });
    using socket = await TestSocket.open(server.url);
    let parent: string | null = null;
    const kinds = [];
    for (const input of ['one', 'two', 'three']) {
      socket.create({ previous_response_id: parent, input, context_management });
      const response = await socket.response();
      parent = response.id;
      kinds.push(response.output[0]?.type);
    }
    expect(kinds).toEqual(['message', 'message', 'compaction']);
    expect(summariesIn(calls)).toBe(1);
  });

  it('waits while a call is open that may be answered later', async () => {
    const { engine, calls } = createRememberingEngine();
    await using server = await startCompactingServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    const call = { type: 'function_call', call_id: 'call_1', name: 'build', arguments: '{}', async: true };
    socket.create({ input: [say('user', `fact-1 ${'x'.repeat(600)}`), call], context_management });
    const waiting = await socket.response();
    expect(waiting.output.map(({ type }) => type)).toEqual(['message']);
    const input = [{ type: 'function_call_output', call_id: 'call_1', output: 'fact-2' }];
    socket.create({ previous_response_id: waiting.id, input, context_management });
    expect((await socket.response()).output.map(({ type }) => type)).toEqual(['compaction', 'message']);
    expect(summariesIn(calls)).toBe(1);
  });

  it('keeps no more of the words of the user than a quarter of it', async () => {
    const { engine, calls } = createRememberingEngine();
    await using server = await startCompactingServer({ engines: [engine] });
    using socket = await TestSocket.open(server.url);
    const words = [1, 2, 3, 4].map((fact) => say('user', `fact-${fact} ${'x'.repeat(100)}`));
    const wide = [{ type: 'compaction', compact_threshold: 150 }];
    socket.create({ input: [say('developer', 'y'.repeat(200)), ...words], context_management: wide });
    await socket.response();
    expect(lastContext(calls)).toEqual([
      expect.stringContaining('developer: yyy'),
      noteOf('fact-1 fact-2 fact-3 fact-4'),
    ]);
  });

  it.each([
    [[{ type: 'forgetting' }], 'context_management[0].type', 'unsupported_value'],
    [[{ type: 'compaction', compact_threshold: 0 }], 'context_management[0].compact_threshold', 'invalid_value'],
  ])('refuses %j', async (wrong, param, code) => {
    await using server = await startCompactingServer();
    using socket = await TestSocket.open(server.url);
    socket.create({ context_management: wrong });
    expect((await socket.error()).error).toMatchObject({ code, param });
  });
});

describe('POST /v1/responses/compact', () => {
  it('answers with a window that the official SDK sends on', async () => {
    const { engine, calls } = createRememberingEngine();
    await using server = await startCompactingServer({ engines: [engine] });
    const client = new OpenAI({ baseURL: server.url, apiKey: 'unused', maxRetries: 0 });
    const window = await client.responses.compact({
      model: 'test-model',
      input: [
        { role: 'user', content: 'fact-1' },
        { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{}' },
        { type: 'function_call_output', call_id: 'call_1', output: 'fact-2' },
      ],
    });
    expect(window).toMatchObject({ object: 'response.compaction', id: expect.stringMatching(/^resp_/) });
    expect(window.usage.output_tokens).toBeGreaterThan(0);
    expect(window.output).toMatchObject([
      {
        type: 'message',
        role: 'user',
        id: expect.stringMatching(/^msg_/),
        content: [{ type: 'input_text', text: 'fact-1' }],
      },
      { type: 'compaction', id: expect.stringMatching(/^cmp_/) },
    ]);
    const input = [...window.output, { role: 'user', content: 'Report.' }] as OpenAI.Responses.ResponseInput;
    const response = await client.responses.create({ model: 'test-model', input, store: false });
    expect(response.output_text).toBe('I know fact-1 fact-2.');
    expect(lastContext(calls)).toEqual(['user: fact-1', noteOf('fact-1 fact-2'), 'user: Report.']);
  });

  it('takes a stored response for its history, and leaves nothing behind', async () => {
    const { engine } = createRememberingEngine();
    await using server = await startCompactingServer({ engines: [engine] });
    const client = new OpenAI({ baseURL: server.url, apiKey: 'unused', maxRetries: 0 });
    const { id } = await client.responses.create({ model: 'test-model', input: 'fact-1' });
    const window = await client.responses.compact({ model: 'test-model', previous_response_id: id });
    expect(window.output.map(({ type }) => type)).toEqual(['message', 'compaction']);
    await expect(client.responses.retrieve(window.id)).rejects.toMatchObject({ status: 404 });
  });

  it('is refused with an HTTP error when there is nothing to compact with', async () => {
    await using server = await startCompactingServer();
    const post = (body: unknown) =>
      fetch(`${server.url}/responses/compact`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect((await post({ input: 'Hi.' })).status).toBe(400);
    expect((await post({ model: 'nobody', input: 'Hi.' })).status).toBe(404);
    expect((await post([])).status).toBe(400);
  });
});

/** An item that a server with these flags makes for a key of the project `alpha`. */
async function sealElsewhere(flags: readonly string[], model = 'test-model'): Promise<Item> {
  const { engine } = createRememberingEngine();
  const models = async () => [{ id: model, created: 0, ownedBy: 'test' }];
  await using server = await startTestServer({
    engines: [{ ...engine, models }],
    flags: [...flags, '--api-key', 'alpha=one'],
  });
  using socket = await TestSocket.open(server.url, { headers: { authorization: 'Bearer one' } });
  socket.create({ model, input: [say('user', 'fact-1'), trigger] });
  return sealedOf(await socket.response());
}

const keyFlags = ['--sealing-key', sealingKey];

/** A server with two keys and two projects, and its socket for one of them: `one` opens alpha, `two` beta. */
async function startBoth(): Promise<{ server: Awaited<ReturnType<typeof startTestServer>>; calls: EchoCall[] }> {
  const { engine, calls } = createRememberingEngine();
  const flags = [...keyFlags, '--sealing-key', otherKey, '--api-key', 'alpha=one', '--api-key', 'beta=two'];
  return { server: await startTestServer({ engines: [engine], flags }), calls };
}

describe('a compaction item of another connection', () => {
  it.each([
    ['its own key', keyFlags],
    ['an old key', ['--sealing-key', otherKey]],
  ])('opens when it was sealed with %s', async (_case, sealingFlags) => {
    const item = await sealElsewhere(sealingFlags);
    const { server: started } = await startBoth();
    await using server = started;
    using socket = await TestSocket.open(server.url, { headers: { authorization: 'Bearer one' } });
    socket.create({ input: [item, say('user', 'Report.')] });
    expect(textOf(await socket.response())).toBe('I know fact-1.');
  });

  it('takes the place of everything that the chain held before it', async () => {
    const item = await sealElsewhere(keyFlags);
    const { server: started, calls } = await startBoth();
    await using server = started;
    using socket = await TestSocket.open(server.url, { headers: { authorization: 'Bearer one' } });
    socket.create({ input: 'fact-7' });
    const { id } = await socket.response();
    socket.create({ previous_response_id: id, input: [item, say('user', 'Report.')] });
    const response = await socket.response();
    expect(textOf(response)).toBe('I know fact-1.');
    expect(lastContext(calls)).toEqual(['user: fact-1', noteOf('fact-1'), 'user: Report.']);
    socket.create({ previous_response_id: response.id, input: 'Again.' });
    expect(textOf(await socket.response())).toBe('I know fact-1.');
  });

  it.each([
    [
      'with a key that is gone',
      ['--sealing-key', Buffer.alloc(32, 9).toString('base64')],
      'test-model',
      'one',
      'not sealed by',
    ],
    ['for another project', keyFlags, 'test-model', 'two', 'another project'],
    ['for another model', keyFlags, 'other-model', 'one', 'another model'],
  ])('is refused when it was sealed %s', async (_case, sealingFlags, model, apiKey, words) => {
    const item = await sealElsewhere(sealingFlags, model);
    const { server: started, calls } = await startBoth();
    await using server = started;
    using socket = await TestSocket.open(server.url, { headers: { authorization: `Bearer ${apiKey}` } });
    socket.create({ input: [item, say('user', 'Report.')] });
    const { error } = await socket.error();
    expect(error).toMatchObject({ code: 'invalid_encrypted_content', param: 'input[0].encrypted_content' });
    expect(error.message).toContain(words);
    expect(calls.some((call) => call.kind === 'generate')).toBe(false);
  });
});
