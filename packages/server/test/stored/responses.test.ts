/** Stored responses through the official SDK: retrieve, list the input, go on, refer to items, delete (dossier L). */
import { BadRequestError, NotFoundError } from 'openai';
import type { ResponseInputItem } from 'openai/resources/responses/responses';
import { describe, expect, it } from 'vitest';
import { createEchoEngine } from '../echo-engine.ts';
import { callTurn, startTestServer, TestSocket, textTurn } from '../harness.ts';
import { allOf, clientOf, model, textOf } from './sdk.ts';

describe('a stored response', () => {
  it('comes back as it was sent, every field told', async () => {
    await using server = await startTestServer();
    const { responses } = clientOf(server);
    const created = await responses.create({
      model,
      input: 'Hi.',
      instructions: 'Be brief.',
      metadata: { ticket: '7' },
      max_tool_calls: 3,
      truncation: 'disabled',
      temperature: 0.5,
    });
    const retrieved = await responses.retrieve(created.id);
    expect(retrieved).toEqual(created);
    expect(retrieved).toMatchObject({
      status: 'completed',
      instructions: 'Be brief.',
      metadata: { ticket: '7' },
      max_tool_calls: 3,
      temperature: 0.5,
      store: true,
      background: false,
      previous_response_id: null,
      error: null,
    });
  });

  it('is not there with store:false, after a delete, for another project, or without a store', async () => {
    const flags = ['--api-key', 'ours=key-1', '--api-key', 'theirs=key-2'];
    await using server = await startTestServer({ flags });
    const ours = clientOf(server, 'key-1').responses;
    const theirs = clientOf(server, 'key-2').responses;
    const unstored = await ours.create({ model, input: 'Hi.', store: false });
    await expect(ours.retrieve(unstored.id)).rejects.toThrow(`Response with id '${unstored.id}' not found.`);
    const { id } = await ours.create({ model, input: 'Hi.' });
    await expect(theirs.retrieve(id)).rejects.toThrow(NotFoundError);
    await expect(theirs.delete(id)).rejects.toThrow(NotFoundError);
    await expect(theirs.cancel(id)).rejects.toThrow(NotFoundError);
    await expect(allOf(theirs.inputItems.list(id))).rejects.toThrow(NotFoundError);
    await expect(theirs.create({ model, input: 'On.', previous_response_id: id })).rejects.toThrow(BadRequestError);
    await ours.delete(id);
    await expect(ours.retrieve(id)).rejects.toThrow(NotFoundError);
    await expect(ours.delete(id)).rejects.toThrow(NotFoundError);
    await using forgetful = await startTestServer({ store: null });
    const { id: lost } = await clientOf(forgetful).responses.create({ model, input: 'Hi.' });
    await expect(clientOf(forgetful).responses.retrieve(lost)).rejects.toThrow(NotFoundError);
  });

  it('that failed is kept as failed, and cannot be continued', async () => {
    const { engine } = createEchoEngine({
      answer: () => {
        throw new Error('The engine broke.');
      },
    });
    await using server = await startTestServer({ engines: [engine] });
    const { responses } = clientOf(server);
    const events = await allOf(await responses.create({ model, input: 'Hi.', stream: true }));
    const last = events.at(-1);
    if (last?.type !== 'response.failed') throw new Error(`Ended with ${last?.type}.`);
    expect(await responses.retrieve(last.response.id)).toMatchObject({
      status: 'failed',
      error: { code: 'server_error' },
    });
    const next = responses.create({ model, input: 'On.', previous_response_id: last.response.id });
    await expect(next).rejects.toMatchObject({ code: 'previous_response_not_found' });
  });

  it('does not hand its instructions on', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const { responses } = clientOf(server);
    const first = await responses.create({ model, input: 'one', instructions: 'Speak French.' });
    const second = await responses.create({ model, input: 'two', previous_response_id: first.id });
    const third = await responses.create({
      model,
      input: 'three',
      previous_response_id: second.id,
      instructions: 'Speak Danish.',
    });
    expect([second.instructions, third.instructions]).toEqual([null, 'Speak Danish.']);
    const given = calls.flatMap((call) => (call.kind === 'generate' ? [call.request.preamble.instructions] : []));
    expect(given).toEqual(['Speak French.', null, 'Speak Danish.']);
  });

  it('cannot be cancelled, nor streamed again', async () => {
    await using server = await startTestServer();
    const { responses } = clientOf(server);
    const { id } = await responses.create({ model, input: 'Hi.' });
    await expect(responses.cancel(id)).rejects.toThrow('Cannot cancel a synchronous response.');
    await expect(responses.retrieve(id, { stream: true })).rejects.toThrow(
      'This response cannot be streamed because it was not created with background=true.',
    );
    await expect(responses.cancel('resp_unknown')).rejects.toThrow(NotFoundError);
  });

  it('shows logprobs only to who asks for them', async () => {
    const logprob = { token: 'Hi', bytes: [72, 105], logprob: -0.1, top_logprobs: [] };
    const { engine } = createEchoEngine({
      answer: () => [{ type: 'text.delta', delta: 'Hi', logprobs: [logprob] }],
    });
    await using server = await startTestServer({ engines: [engine] });
    const { responses } = clientOf(server);
    const { id } = await responses.create({ model, input: 'Hi.', include: ['message.output_text.logprobs'] });
    const plain = await responses.retrieve(id);
    expect(plain.output).toMatchObject([{ content: [{ text: 'Hi', logprobs: [] }] }]);
    const whole = await responses.retrieve(id, { include: ['message.output_text.logprobs'] });
    expect(whole.output).toMatchObject([{ content: [{ text: 'Hi', logprobs: [{ token: 'Hi' }] }] }]);
    const unknown = responses.retrieve(id, { include: ['everything' as 'web_search_call.results'] });
    await expect(unknown).rejects.toMatchObject({ code: 'invalid_value', param: 'include' });
  });
});

describe('input_items', () => {
  it('list the whole context, page by page, in both orders', async () => {
    await using server = await startTestServer();
    const { responses } = clientOf(server);
    const first = await responses.create({ model, input: [user('1'), user('2')] });
    const second = await responses.create({ model, input: '3', previous_response_id: first.id });
    const oldestFirst = ['1', '2', 'Hello.', '3'];
    for (const limit of [1, 2, 3, 100]) {
      const asc = await allOf(responses.inputItems.list(second.id, { order: 'asc', limit }));
      expect(asc.map(textOf)).toEqual(oldestFirst);
      expect(new Set(asc.map((item) => item.id)).size).toBe(4);
      const desc = await allOf(responses.inputItems.list(second.id, { limit }));
      expect(desc).toEqual(asc.toReversed());
    }
    const page = await responses.inputItems.list(second.id, { order: 'asc', limit: 2 });
    expect([page.has_more, page.data.length]).toEqual([true, 2]);
    expect(page.data[0]).toMatchObject({
      type: 'message',
      role: 'user',
      status: 'completed',
      content: [{ type: 'input_text', text: '1' }],
    });
  });

  it.each([
    ['limit', { limit: 0 }],
    ['limit', { limit: 101 }],
    ['order', { order: 'sideways' as 'asc' }],
    ['after', { after: 'msg_unknown' }],
  ])('refuse a wrong %s', async (param, query) => {
    await using server = await startTestServer();
    const { responses } = clientOf(server);
    const { id } = await responses.create({ model, input: 'Hi.' });
    await expect(responses.inputItems.list(id, query)).rejects.toMatchObject({ param });
  });

  it('leave pictures out unless they are asked for', async () => {
    await using server = await startTestServer();
    const { responses } = clientOf(server);
    const image_url = 'data:image/png;base64,AAAA';
    const { id } = await responses.create({
      model,
      input: [{ role: 'user', content: [{ type: 'input_image', image_url, detail: 'auto' }] }],
    });
    const [plain] = await allOf(responses.inputItems.list(id));
    expect(JSON.stringify(plain)).not.toContain(image_url);
    const [whole] = await allOf(responses.inputItems.list(id, { include: ['message.input_image.image_url'] }));
    expect(JSON.stringify(whole)).toContain(image_url);
  });

  it('of a response on a socket are there as well', async () => {
    await using server = await startTestServer();
    using socket = await TestSocket.open(server.url);
    socket.create({ store: true, input: 'over the socket' });
    const { id } = await socket.response();
    const items = await allOf(clientOf(server).responses.inputItems.list(id));
    expect(items.map(textOf)).toEqual(['over the socket']);
  });
});

describe('item_reference', () => {
  it('stands for a stored item, of a response or of a conversation', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const client = clientOf(server);
    const { id } = await client.responses.create({ model, input: 'kept' });
    const [item] = await allOf(client.responses.inputItems.list(id));
    const conversation = await client.conversations.create({
      items: [{ type: 'message', role: 'user', content: 'said' }],
    });
    const [said] = await allOf(client.conversations.items.list(conversation.id));
    const input: ResponseInputItem[] = [
      { type: 'item_reference', id: item?.id ?? '' },
      { id: said?.id ?? '' } as ResponseInputItem,
      user('new'),
    ];
    const response = await client.responses.create({ model, input });
    expect(response.output_text).toBe('user:kept | user:said | user:new');
    const listed = await allOf(client.responses.inputItems.list(response.id, { order: 'asc' }));
    expect(listed.map(textOf)).toEqual(['kept', 'said', 'new']);
  });

  it('to what is not stored, or not here, is the real error', async () => {
    const flags = ['--api-key', 'ours=key-1', '--api-key', 'theirs=key-2'];
    await using server = await startTestServer({ flags });
    const { id } = await clientOf(server, 'key-1').responses.create({ model, input: 'kept' });
    const [item] = await allOf(clientOf(server, 'key-1').responses.inputItems.list(id));
    for (const unknown of ['msg_unknown', item?.id ?? '']) {
      const asked = clientOf(server, 'key-2').responses.create({
        model,
        input: [{ type: 'item_reference', id: unknown }],
      });
      await expect(asked).rejects.toThrow(
        `Item with id '${unknown}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`,
      );
      await expect(asked).rejects.toMatchObject({ status: 404, code: null, param: 'input' });
    }
  });

  it('works on a socket that stores nothing itself, and the socket outlives a wrong one', async () => {
    const { engine } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const client = clientOf(server);
    const { id } = await client.responses.create({ model, input: 'kept' });
    const [item] = await allOf(client.responses.inputItems.list(id));
    using socket = await TestSocket.open(server.url);
    socket.create({ input: [{ type: 'item_reference', id: 'msg_unknown' }] });
    expect(await socket.error()).toMatchObject({ status: 404, error: { param: 'input' } });
    socket.create({ input: [{ type: 'item_reference', id: item?.id }] });
    expect((await socket.response()).output).toMatchObject([{ content: [{ text: 'user:kept' }] }]);
  });
});

describe('deleting a response', () => {
  it('leaves those that continue it readable, but without a history to go on from', async () => {
    await using server = await startTestServer();
    const { responses } = clientOf(server);
    const first = await responses.create({ model, input: 'one' });
    const second = await responses.create({ model, input: 'two', previous_response_id: first.id });
    const third = await responses.create({ model, input: 'three', previous_response_id: second.id });
    await responses.delete(second.id);
    expect(await responses.retrieve(third.id)).toEqual(third);
    expect((await allOf(responses.inputItems.list(third.id))).map(textOf)).toEqual(['three']);
    const next = responses.create({ model, input: 'four', previous_response_id: third.id });
    await expect(next).rejects.toMatchObject({ code: 'previous_response_not_found' });
    const fork = await responses.create({ model, input: 'four', previous_response_id: first.id });
    expect(fork.status).toBe('completed');
  });
});

describe('what nothing here can do is refused by name', () => {
  it.each([
    ['prompt', { prompt: { id: 'pmpt_1' } }],
    ['moderation', { moderation: { model: 'omni-moderation-latest' } }],
  ])('%s', async (param, fields) => {
    await using server = await startTestServer();
    const asked = clientOf(server).responses.create({ model, input: 'Hi.', ...(fields as object) });
    await expect(asked).rejects.toMatchObject({ status: 400, code: 'unsupported_parameter', param });
  });
});

it('a call is answered across processes: the chain is read back from the store', async () => {
  await using server = await startTestServer({
    turns: [callTurn(['call_1', 'get_weather', '{}']), textTurn('It rains.')],
  });
  const { responses } = clientOf(server);
  const asked = await responses.create({ model, input: 'Weather?' });
  const orphan = responses.create({
    model,
    previous_response_id: asked.id,
    input: [{ type: 'function_call_output', call_id: 'call_2', output: 'rain' }],
  });
  await expect(orphan).rejects.toThrow('No tool call found for function call output with call_id call_2.');
  const answered = await responses.create({
    model,
    previous_response_id: asked.id,
    input: [{ type: 'function_call_output', call_id: 'call_1', output: 'rain' }],
  });
  expect(answered.output_text).toBe('It rains.');
});

function user(content: string): ResponseInputItem {
  return { role: 'user', content };
}
