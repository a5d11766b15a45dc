/** Conversations through the official SDK, over HTTP and on a socket (dossier L.1). */
import { NotFoundError } from 'openai';
import { describe, expect, it } from 'vitest';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer, TestSocket } from '../harness.ts';
import { allOf, clientOf, model, textOf } from './sdk.ts';

const hello = { type: 'message', role: 'user', content: 'hello' } as const;

describe('a conversation', () => {
  it('is made, read, changed and deleted', async () => {
    await using server = await startTestServer();
    const { conversations } = clientOf(server);
    const made = await conversations.create({ metadata: { topic: 'tea' }, items: [hello] });
    expect(made).toMatchObject({ object: 'conversation', metadata: { topic: 'tea' } });
    expect(made.id).toMatch(/^conv_/);
    expect(await conversations.retrieve(made.id)).toEqual(made);
    const changed = await conversations.update(made.id, { metadata: { topic: 'coffee' } });
    expect(changed).toEqual({ ...made, metadata: { topic: 'coffee' } });
    expect(await conversations.delete(made.id)).toEqual({ id: made.id, object: 'conversation.deleted', deleted: true });
    await expect(conversations.retrieve(made.id)).rejects.toThrow(`Conversation with id '${made.id}' not found.`);
    await expect(conversations.delete(made.id)).rejects.toThrow(NotFoundError);
    await expect(conversations.update(made.id, { metadata: {} })).rejects.toThrow(NotFoundError);
    await expect(allOf(conversations.items.list(made.id))).rejects.toThrow(NotFoundError);
    const turn = clientOf(server).responses.create({ model, input: 'Hi.', conversation: made.id });
    await expect(turn).rejects.toMatchObject({ code: 'conversation_not_found', param: 'conversation' });
  });

  it('lists, adds, shows and deletes items', async () => {
    await using server = await startTestServer();
    const { conversations } = clientOf(server);
    const { id } = await conversations.create();
    const added = await conversations.items.create(id, { items: [1, 2, 3, 4, 5].map((n) => said(`${n}`)) });
    expect(added).toMatchObject({ object: 'list', has_more: false, first_id: added.data[0]?.id });
    for (const limit of [1, 2, 5, 100]) {
      const asc = await allOf(conversations.items.list(id, { order: 'asc', limit }));
      expect(asc).toEqual(added.data);
      expect(await allOf(conversations.items.list(id, { limit }))).toEqual(asc.toReversed());
    }
    const third = added.data[2];
    if (third?.type !== 'message') throw new Error('No message.');
    expect(await conversations.items.retrieve(third.id, { conversation_id: id })).toEqual(third);
    expect(await conversations.items.delete(third.id, { conversation_id: id })).toMatchObject({ id });
    const left = await allOf(conversations.items.list(id, { order: 'asc' }));
    expect(left.map(textOf)).toEqual(['1', '2', '4', '5']);
    await expect(conversations.items.retrieve(third.id, { conversation_id: id })).rejects.toThrow(NotFoundError);
    await expect(conversations.items.delete(third.id, { conversation_id: id })).rejects.toThrow(NotFoundError);
    await expect(allOf(conversations.items.list(id, { after: third.id }))).rejects.toMatchObject({ param: 'after' });
  });

  it('takes at most 20 items at once, and says where one is wrong', async () => {
    await using server = await startTestServer();
    const { conversations } = clientOf(server);
    const many = Array.from({ length: 21 }, () => hello);
    await expect(conversations.create({ items: many })).rejects.toMatchObject({ param: 'items' });
    const { id } = await conversations.create();
    const wrong = conversations.items.create(id, { items: [hello, { type: 'message' } as typeof hello] });
    await expect(wrong).rejects.toMatchObject({ param: 'items[1].role' });
    const orphan = conversations.items.create(id, {
      items: [{ type: 'function_call_output', call_id: 'call_1', output: 'x' }],
    });
    await expect(orphan).rejects.toThrow('No tool call found for function call output with call_id call_1.');
    expect(await allOf(conversations.items.list(id))).toEqual([]);
  });

  it('is shown to nobody else', async () => {
    await using server = await startTestServer({ flags: ['--api-key', 'ours=key-1', '--api-key', 'theirs=key-2'] });
    const { id } = await clientOf(server, 'key-1').conversations.create({ items: [hello] });
    const { conversations, responses } = clientOf(server, 'key-2');
    await expect(conversations.retrieve(id)).rejects.toThrow(NotFoundError);
    await expect(conversations.items.create(id, { items: [hello] })).rejects.toThrow(NotFoundError);
    await expect(responses.create({ model, input: 'Hi.', conversation: id })).rejects.toThrow(NotFoundError);
  });

  it('needs a store', async () => {
    await using server = await startTestServer({ store: null });
    const { conversations, responses } = clientOf(server);
    await expect(conversations.create()).rejects.toMatchObject({ code: 'unsupported_parameter' });
    const turn = responses.create({ model, input: 'Hi.', conversation: 'conv_1' });
    await expect(turn).rejects.toMatchObject({ code: 'unsupported_parameter', param: 'conversation' });
  });
});

describe('turns of a conversation', () => {
  it('go on from its items and add theirs, over HTTP and on a socket', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const { conversations, responses } = clientOf(server);
    const { id } = await conversations.create({ items: [hello] });
    const first = await responses.create({ model, input: 'one', conversation: id });
    expect(first.conversation).toEqual({ id });
    expect(first.output_text).toBe('user:hello | user:one');
    using socket = await TestSocket.open(server.url);
    socket.create({ input: 'two', conversation: { id }, store: true });
    const second = await socket.response();
    expect(second.output).toMatchObject([{ content: [{ text: 'user:hello | user:one | assistant | user:two' }] }]);
    const third = await responses.create({ model, input: 'three', conversation: id });
    expect(third.output_text).toBe('user:hello | user:one | assistant | user:two | assistant | user:three');
    const listed = await allOf(conversations.items.list(id, { order: 'asc' }));
    expect(listed.map((item) => (item.type === 'message' ? item.role : item.type))).toEqual([
      'user',
      ...Array.from({ length: 3 }, () => ['user', 'assistant']).flat(),
    ]);
    // The first turn reads the conversation; each later one extends by its own two messages.
    const extended = calls.flatMap((call) => (call.kind === 'extend' ? [call.items] : []));
    expect(extended.filter((items) => items > 1)).toEqual([]);
  });

  it('see what was added and what was deleted in between', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const { conversations, responses } = clientOf(server);
    const { id } = await conversations.create();
    await responses.create({ model, input: 'one', conversation: id });
    await conversations.items.create(id, { items: [said('aside')] });
    const second = await responses.create({ model, input: 'two', conversation: id });
    expect(second.output_text).toBe('user:one | assistant | user:aside | user:two');
    const [aside] = (await allOf(conversations.items.list(id))).filter((item) => textOf(item) === 'aside');
    if (aside?.type !== 'message') throw new Error('No message.');
    await conversations.items.delete(aside.id, { conversation_id: id });
    const third = await responses.create({ model, input: 'three', conversation: id });
    expect(third.output_text).toBe('user:one | assistant | user:two | assistant | user:three');
  });

  it('can be continued by previous_response_id, and their input lists the conversation', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const { conversations, responses } = clientOf(server);
    const { id } = await conversations.create({ items: [hello] });
    const first = await responses.create({ model, input: 'one', conversation: id });
    const second = await responses.create({ model, input: 'two', conversation: id });
    const fork = await responses.create({ model, input: 'aside', previous_response_id: first.id });
    expect(fork.output_text).toBe('user:hello | user:one | assistant | user:aside');
    expect(await allOf(conversations.items.list(id))).toHaveLength(5);
    const seen = await allOf(responses.inputItems.list(second.id, { order: 'asc' }));
    expect(seen.map(textOf)).toEqual(['hello', 'one', 'user:hello | user:one', 'two']);
  });

  it('come one at a time: whoever meets one that runs is told to wait', async () => {
    const gate = Promise.withResolvers<void>();
    const { engine } = createEchoEngine({ hold: () => gate.promise });
    await using server = await startTestServer({ engines: [engine] });
    const { conversations, responses } = clientOf(server);
    const { id } = await conversations.create();
    const running = await responses.create({ model, input: 'one', conversation: id, stream: true });
    const events = running[Symbol.asyncIterator]();
    await events.next();
    const locked = { status: 400, code: 'conversation_locked', param: 'conversation' };
    await expect(responses.create({ model, input: 'two', conversation: id })).rejects.toMatchObject(locked);
    await expect(conversations.items.create(id, { items: [hello] })).rejects.toMatchObject(locked);
    using socket = await TestSocket.open(server.url);
    socket.create({ input: 'two', conversation: id });
    expect((await socket.error()).error).toMatchObject({
      code: 'conversation_locked',
      message: 'Another process is currently operating on this conversation. Please retry in a few seconds.',
    });
    gate.resolve();
    while (!(await events.next()).done);
    socket.create({ input: 'two', conversation: id });
    expect((await socket.response()).status).toBe('completed');
  });

  it('fail where it is deleted meanwhile, and say so', async () => {
    const gate = Promise.withResolvers<void>();
    const { engine } = createEchoEngine({ hold: () => gate.promise });
    await using server = await startTestServer({ engines: [engine] });
    const { conversations } = clientOf(server);
    const { id } = await conversations.create();
    using socket = await TestSocket.open(server.url);
    socket.create({ input: 'one', conversation: id });
    while ((await socket.next()).type !== 'response.output_text.delta');
    await conversations.delete(id);
    gate.resolve();
    expect(await socket.response()).toMatchObject({ status: 'failed', error: { code: 'conversation_not_found' } });
    socket.create({ input: 'one' });
    expect((await socket.response()).status).toBe('completed');
  });

  it('whose client goes away leave it as it was, and free', async () => {
    const { engine, calls } = createEchoEngine({ hold: () => Promise.withResolvers<void>().promise });
    await using server = await startTestServer({ engines: [engine] });
    const { conversations, responses } = clientOf(server);
    const { id } = await conversations.create({ items: [hello] });
    for (const from of ['http', 'socket'] as const) {
      const before = calls.filter(({ kind }) => kind === 'aborted').length;
      if (from === 'http') {
        const running = await responses.create({ model, input: 'one', conversation: id, stream: true });
        for await (const event of running) if (event.type === 'response.output_text.delta') break;
      } else {
        using socket = await TestSocket.open(server.url);
        socket.create({ input: 'one', conversation: id });
        while ((await socket.next()).type !== 'response.output_text.delta');
      }
      // Every look is a request: nothing sleeps.
      while (calls.filter(({ kind }) => kind === 'aborted').length === before) await conversations.retrieve(id);
      expect(await conversations.items.create(id, { items: [said(from)] })).toMatchObject({ object: 'list' });
    }
    const left = await allOf(conversations.items.list(id, { order: 'asc' }));
    expect(left.map(textOf)).toEqual(['hello', 'http', 'socket']);
  });

  it('that fail leave it as it was, and free', async () => {
    let failing = true;
    const { engine, calls } = createEchoEngine({
      answer: ({ context }) => {
        if (failing) throw new Error('The engine broke.');
        return [{ type: 'text.delta', delta: `${context.items.length} items` }];
      },
    });
    await using server = await startTestServer({ engines: [engine] });
    const { conversations, responses } = clientOf(server);
    const { id } = await conversations.create({ items: [hello] });
    await expect(responses.create({ model, input: 'one', conversation: id })).rejects.toMatchObject({ status: 500 });
    expect(await allOf(conversations.items.list(id))).toHaveLength(1);
    failing = false;
    expect((await responses.create({ model, input: 'one', conversation: id })).output_text).toBe('2 items');
    expect(calls.some(({ kind }) => kind === 'generate')).toBe(true);
  });

  it('cannot name a previous response too', async () => {
    await using server = await startTestServer();
    const { conversations, responses } = clientOf(server);
    const { id } = await conversations.create();
    const turn = responses.create({ model, input: 'Hi.', conversation: id, previous_response_id: 'resp_1' });
    await expect(turn).rejects.toMatchObject({ status: 400, param: 'conversation' });
  });
});

function said(content: string): { type: 'message'; role: 'user'; content: string } {
  return { type: 'message', role: 'user', content };
}
