/** Background mode through the official SDK: poll, stream, resume, cancel, delete (dossier L.4). */
import { NotFoundError } from 'openai';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import { describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../src/engine/engine.ts';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer, TestSocket } from '../harness.ts';
import { allOf, clientOf, model, numbersOf, textOf, untilOver } from './sdk.ts';

/** An engine that says twenty words, and ends when it is let. */
function createSlowEngine() {
  const gate = Promise.withResolvers<void>();
  const words = Array.from({ length: 20 }, (_, index): EngineEvent => ({ type: 'text.delta', delta: `${index} ` }));
  return { ...createEchoEngine({ answer: () => words, hold: () => gate.promise }), release: () => gate.resolve() };
}

describe('a background response', () => {
  it('is queued at once, and found finished later', async () => {
    const { engine, release } = createSlowEngine();
    await using server = await startTestServer({ engines: [engine] });
    const client = clientOf(server);
    const queued = await client.responses.create({ model, input: 'Hi.', background: true });
    expect(queued).toMatchObject({ status: 'queued', background: true, output: [], usage: null, completed_at: null });
    expect((await client.responses.retrieve(queued.id)).status).toMatch(/queued|in_progress/);
    release();
    const done = await untilOver(client, queued.id);
    expect(done).toMatchObject({ id: queued.id, status: 'completed', background: true });
    expect(done.output_text).toContain('19 ');
    expect((await allOf(client.responses.inputItems.list(queued.id))).map(textOf)).toEqual(['Hi.']);
    const next = await client.responses.create({ model, input: 'On.', previous_response_id: queued.id });
    expect(next.status).toBe('completed');
  });

  it('cannot be continued before it is over', async () => {
    const { engine, release } = createSlowEngine();
    await using server = await startTestServer({ engines: [engine] });
    const client = clientOf(server);
    const { id } = await client.responses.create({ model, input: 'Hi.', background: true });
    const next = client.responses.create({ model, input: 'On.', previous_response_id: id });
    await expect(next).rejects.toMatchObject({ code: 'previous_response_not_found' });
    release();
    await untilOver(client, id);
  });

  it('needs to be stored, and HTTP', async () => {
    await using server = await startTestServer();
    const { responses } = clientOf(server);
    const unstored = responses.create({ model, input: 'Hi.', background: true, store: false });
    await expect(unstored).rejects.toMatchObject({ status: 400, param: 'background' });
    using socket = await TestSocket.open(server.url);
    socket.create({ background: true, store: true });
    expect((await socket.error()).error).toMatchObject({ code: 'unsupported_parameter', param: 'background' });
    await using forgetful = await startTestServer({ flags: ['--zero-retention', 'true'] });
    const forgotten = clientOf(forgetful).responses.create({ model, input: 'Hi.', background: true });
    await expect(forgotten).rejects.toMatchObject({ status: 400, param: 'background' });
  });

  it('takes part in a conversation', async () => {
    await using server = await startTestServer();
    const client = clientOf(server);
    const { id: conversation } = await client.conversations.create();
    const { id } = await client.responses.create({ model, input: 'Hi.', background: true, conversation });
    expect((await untilOver(client, id)).status).toBe('completed');
    const items = await allOf(client.conversations.items.list(conversation, { order: 'asc' }));
    expect(items.map(textOf)).toEqual(['Hi.', 'Hello.']);
  });

  it('waits for a place, and says so', async () => {
    const { engine, calls, release } = createSlowEngine();
    await using server = await startTestServer({ engines: [engine], flags: ['--max-background', '2'] });
    const client = clientOf(server);
    const ids: string[] = [];
    for (let n = 0; n < 4; n++) ids.push((await client.responses.create({ model, input: 'Hi.', background: true })).id);
    const last = ids[3] ?? '';
    while (calls.filter(({ kind }) => kind === 'generate').length < 2) await client.responses.retrieve(last);
    expect((await client.responses.retrieve(last)).status).toBe('queued');
    expect(await client.responses.cancel(last)).toMatchObject({ status: 'cancelled' });
    release();
    const ends = await Promise.all(ids.map((id) => untilOver(client, id)));
    expect(ends.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed', 'cancelled']);
    // What never got a place never got an engine.
    expect(calls.filter(({ kind }) => kind === 'generate')).toHaveLength(3);
  });
});

describe('a background stream', () => {
  it('is read from any place by any number, with no event lost or doubled', async () => {
    const { engine, release } = createSlowEngine();
    await using server = await startTestServer({ engines: [engine] });
    const client = clientOf(server);
    const stream = await client.responses.create({ model, input: 'Hi.', background: true, stream: true });
    const seen: ResponseStreamEvent[] = [];
    for await (const event of stream) {
      seen.push(event);
      // The client goes away in the middle; the response goes on.
      if (seen.length === 10) break;
    }
    const [created] = seen;
    if (created?.type !== 'response.created') throw new Error(`Began with ${created?.type}.`);
    const { id } = created.response;
    const places = [undefined, 0, 3, 9, 9, 15];
    const live = await Promise.all(places.map((after) => resume(client, id, after)));
    const readers = live.map((events) => allOf(events));
    release();
    const whole = await readers[0];
    if (!whole) throw new Error('No reader.');
    expect(whole.slice(0, 10)).toEqual(seen);
    expect(numbersOf(whole)).toEqual(whole.map((_, index) => index));
    expect(whole.map(({ type }) => type).slice(0, 3)).toEqual([
      'response.created',
      'response.queued',
      'response.in_progress',
    ]);
    expect(whole.at(-1)?.type).toBe('response.completed');
    for (const [index, reader] of readers.entries()) {
      expect(await reader).toEqual(whole.slice((places[index] ?? -1) + 1));
    }
    for (const after of [undefined, 0, 12, whole.length - 2, whole.length - 1, 1000]) {
      expect(await allOf(await resume(client, id, after))).toEqual(whole.slice((after ?? -1) + 1));
    }
    expect(await client.responses.retrieve(id)).toMatchObject({ status: 'completed' });
  });

  it('is followed by the helpers of the SDK', async () => {
    const { engine, release } = createSlowEngine();
    await using server = await startTestServer({ engines: [engine] });
    const client = clientOf(server);
    const first = client.responses.stream({ model, input: 'Hi.', background: true });
    const heard: number[] = [];
    let id = '';
    for await (const event of first) {
      heard.push(event.sequence_number);
      if (event.type === 'response.created') id = event.response.id;
      if (heard.length === 8) break;
    }
    release();
    const second = client.responses.stream({ response_id: id, starting_after: heard.at(-1) ?? 0 });
    for await (const event of second) heard.push(event.sequence_number);
    expect(heard).toEqual(heard.map((_, index) => index));
    expect((await second.finalResponse()).output_text).toContain('0 1 2 3');
  });

  it('leaves the padding out where it is not wanted', async () => {
    await using server = await startTestServer();
    const client = clientOf(server);
    const made = await allOf(await client.responses.create({ model, input: 'Hi.', background: true, stream: true }));
    expect(JSON.stringify(made)).toContain('obfuscation');
    const [created] = made;
    if (created?.type !== 'response.created') throw new Error('No response.');
    const { id } = created.response;
    const plain = await allOf(await client.responses.retrieve(id, { stream: true, include_obfuscation: false }));
    expect(JSON.stringify(plain)).not.toContain('obfuscation');
    expect(numbersOf(plain)).toEqual(numbersOf(made));
  });

  it('exists only where it was asked for', async () => {
    await using server = await startTestServer();
    const client = clientOf(server);
    const { id } = await client.responses.create({ model, input: 'Hi.', background: true });
    await expect(client.responses.retrieve(id, { stream: true })).rejects.toMatchObject({
      status: 400,
      param: 'stream',
    });
    await untilOver(client, id);
    await expect(client.responses.retrieve(id, { stream: true })).rejects.toMatchObject({
      status: 400,
      param: 'stream',
    });
    await expect(client.responses.retrieve('resp_unknown', { stream: true })).rejects.toThrow(NotFoundError);
    const wrong = client.responses.retrieve(id, { stream: true, starting_after: -5 });
    await expect(wrong).rejects.toMatchObject({ param: 'starting_after' });
  });

  it('tells of a failure', async () => {
    const { engine } = createEchoEngine({
      answer: () => {
        throw new Error('The engine broke.');
      },
    });
    await using server = await startTestServer({ engines: [engine] });
    const client = clientOf(server);
    const events = await allOf(await client.responses.create({ model, input: 'Hi.', background: true, stream: true }));
    const last = events.at(-1);
    if (last?.type !== 'response.failed') throw new Error(`Ended with ${last?.type}.`);
    expect(await client.responses.retrieve(last.response.id)).toMatchObject({ status: 'failed', background: true });
  });
});

describe('cancelling', () => {
  it('stops a response, once and for all', async () => {
    const { engine, calls } = createSlowEngine();
    await using server = await startTestServer({ engines: [engine] });
    const client = clientOf(server);
    const stream = await client.responses.create({ model, input: 'Hi.', background: true, stream: true });
    const events: ResponseStreamEvent[] = [];
    let cancelled = null;
    for await (const event of stream) {
      events.push(event);
      const { type } = event;
      if (type === 'response.created') cancelled = { id: event.response.id };
      if (type === 'response.output_text.delta' && cancelled && events.length === 8) {
        cancelled = await client.responses.cancel(cancelled.id);
      }
    }
    expect(cancelled).toMatchObject({ status: 'cancelled', background: true, completed_at: null, error: null });
    expect(events.at(-1)).toMatchObject({ type: 'response.incomplete', response: { status: 'cancelled' } });
    expect(calls.some(({ kind }) => kind === 'aborted')).toBe(true);
    const id = cancelled?.id ?? '';
    expect(await client.responses.retrieve(id)).toMatchObject({ ...cancelled });
    expect(await client.responses.cancel(id)).toEqual(cancelled);
  });

  it('leaves a finished response as it is', async () => {
    await using server = await startTestServer();
    const client = clientOf(server);
    const { id } = await client.responses.create({ model, input: 'Hi.', background: true });
    const done = await untilOver(client, id);
    expect(done).toMatchObject({ ...(await client.responses.cancel(id)) });
  });
});

it('deleting a response that runs stops it', async () => {
  const { engine, calls } = createSlowEngine();
  await using server = await startTestServer({ engines: [engine] });
  const client = clientOf(server);
  const { id } = await client.responses.create({ model, input: 'Hi.', background: true });
  while (!calls.some(({ kind }) => kind === 'generate')) await client.responses.retrieve(id);
  await client.responses.delete(id);
  expect(calls.some(({ kind }) => kind === 'aborted')).toBe(true);
  await expect(client.responses.retrieve(id)).rejects.toThrow(NotFoundError);
});

function resume(client: ReturnType<typeof clientOf>, id: string, after: number | undefined) {
  return client.responses.retrieve(id, { stream: true, ...(after !== undefined && { starting_after: after }) });
}
