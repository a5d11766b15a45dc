/** Stored and background responses when the process that made them is gone (dossier L.4). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer } from '../harness.ts';
import { allOf, clientOf, model, numbersOf } from './sdk.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longwire-restart-'));
  path = join(folder, 'longwire.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function start(held: Promise<void> | undefined) {
  const { engine } = createEchoEngine({ hold: () => held });
  return startTestServer({ engines: [engine], store: await openSqliteStore(path) });
}

/** What time does: every lease has run out. */
function expireLeases(): void {
  const database = new DatabaseSync(path);
  database.exec('UPDATE leases SET until_ms = 0');
  database.close();
}

describe('after a restart', () => {
  it('stored responses and conversations are continued', async () => {
    let ids = { response: '', conversation: '' };
    {
      await using server = await start(undefined);
      const client = clientOf(server);
      const conversation = await client.conversations.create();
      const inside = await client.responses.create({ model, input: 'in it', conversation: conversation.id });
      const outside = await client.responses.create({ model, input: 'after it', previous_response_id: inside.id });
      ids = { response: outside.id, conversation: conversation.id };
    }
    await using server = await start(undefined);
    const { responses } = clientOf(server);
    const next = await responses.create({ model, input: 'on', previous_response_id: ids.response });
    expect(next.output_text).toBe('user:in it | assistant | user:after it | assistant | user:on');
    const turn = await responses.create({ model, input: 'on', conversation: ids.conversation });
    expect(turn.output_text).toBe('user:in it | assistant | user:on');
  });

  it('what a process left running has failed, behind the events that its readers saw', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    await using lost = await start(held);
    const client = clientOf(lost);
    const events = await readSome(
      await client.responses.create({ model, input: 'Hi.', background: true, stream: true }),
    );
    const id = idOf(events);
    const silent = await client.responses.create({ model, input: 'Hi.', background: true });
    expireLeases();
    await using server = await start(undefined);
    const { responses } = clientOf(server);
    for (const left of [id, silent.id]) {
      expect(await responses.retrieve(left)).toMatchObject({
        status: 'failed',
        error: { code: 'server_error', message: expect.stringContaining('stopped') as string },
      });
    }
    const seen = events.at(-1)?.sequence_number ?? 0;
    const rest = await allOf(await responses.retrieve(id, { stream: true, starting_after: seen }));
    expect(rest.at(-1)).toMatchObject({ type: 'response.failed', response: { id, status: 'failed' } });
    const whole = await allOf(await responses.retrieve(id, { stream: true }));
    expect(numbersOf(whole)).toEqual(whole.map((_, index) => index));
    expect(whole.slice(0, events.length)).toEqual(events);
    expect(whole.slice(events.length)).toEqual(rest);
    // The process that was taken for dead wakes up: what it says does not count any more.
    release();
    await lost.close();
    expect(await responses.retrieve(id)).toMatchObject({ status: 'failed' });
    expect(await allOf(await responses.retrieve(id, { stream: true }))).toEqual(whole);
  });

  it('what is left running can be cancelled before its lease runs out', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    await using lost = await start(held);
    const { id } = await clientOf(lost).responses.create({ model, input: 'Hi.', background: true });
    await using server = await start(undefined);
    const { responses } = clientOf(server);
    expect(await responses.cancel(id)).toMatchObject({ id, status: 'cancelled' });
    release();
    await lost.close();
    expect(await responses.retrieve(id)).toMatchObject({ status: 'cancelled' });
  });

  it('a stream is followed while another process runs it', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    await using other = await start(held);
    const events = await readSome(
      await clientOf(other).responses.create({ model, input: 'Hi.', background: true, stream: true }),
    );
    await using server = await start(undefined);
    const following = allOf(await clientOf(server).responses.retrieve(idOf(events), { stream: true }));
    release();
    const whole = await following;
    expect(whole.slice(0, events.length)).toEqual(events);
    expect(whole.at(-1)?.type).toBe('response.completed');
    expect(numbersOf(whole)).toEqual(whole.map((_, index) => index));
  });
});

describe('stopping', () => {
  it('fails clearly what does not end in time', async () => {
    const { promise: held } = Promise.withResolvers<void>();
    let id = '';
    {
      await using server = await start(held);
      ({ id } = await clientOf(server).responses.create({ model, input: 'Hi.', background: true }));
    }
    await using server = await start(undefined);
    expect(await clientOf(server).responses.retrieve(id)).toMatchObject({ status: 'failed' });
  });

  it('waits for what does', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const server = await start(held);
    const { id } = await clientOf(server).responses.create({ model, input: 'Hi.', background: true });
    const drained = server.drain();
    release();
    await drained;
    await using again = await start(undefined);
    expect(await clientOf(again).responses.retrieve(id)).toMatchObject({ status: 'completed' });
  });
});

it('after kill -9 a background response is never stuck', async () => {
  const script = fileURLToPath(new URL('./background-server.ts', import.meta.url));
  const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const stream = await clientOf({ url }).responses.create({ model, input: 'Hi.', background: true, stream: true });
  const events = await readSome(stream);
  child.kill('SIGKILL');
  expect(await exited).toEqual([null, 'SIGKILL']);
  expireLeases();
  await using server = await start(undefined);
  const { responses } = clientOf(server);
  expect(await responses.retrieve(idOf(events))).toMatchObject({ status: 'failed' });
  const whole = await allOf(await responses.retrieve(idOf(events), { stream: true }));
  expect(whole.slice(0, events.length)).toEqual(events);
  expect(whole.at(-1)?.type).toBe('response.failed');
});

/** The events up to the first text. */
async function readSome(stream: AsyncIterable<ResponseStreamEvent>): Promise<ResponseStreamEvent[]> {
  const events: ResponseStreamEvent[] = [];
  for await (const event of stream) {
    events.push(event);
    if (event.type === 'response.output_text.delta') break;
  }
  return events;
}

function idOf([created]: readonly ResponseStreamEvent[]): string {
  if (created?.type !== 'response.created') throw new Error('No response.');
  return created.response.id;
}
