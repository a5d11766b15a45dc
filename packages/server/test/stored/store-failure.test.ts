/** A store that cannot write: a clear error, and nothing else breaks (PROTOCOL.md, "Errors"). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Response } from '@longwire/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { startTestServer, TestSocket } from '../harness.ts';
import { allOf, clientOf, model, untilOver } from './sdk.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longwire-failure-'));
  path = join(folder, 'longwire.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('a full disk is a 503, and the socket and the server live on', async () => {
  const roomBytes = 2 ** 20;
  await using server = await startTestServer({ store: await openSqliteStore(path, { maxBytes: roomBytes }) });
  const client = clientOf(server);
  using socket = await TestSocket.open(server.url);
  const input = 'x'.repeat(roomBytes / 8);
  const answers: Response[] = [];
  do {
    socket.create({ store: true, input });
    answers.push(await socket.response());
  } while (answers.length < 8 && answers.at(-1)?.status === 'completed');
  expect(answers.pop()).toMatchObject({ status: 'failed', error: { code: 'store_unavailable' } });
  const kept = answers.map(({ id }) => id);
  expect(kept.length).toBeGreaterThan(2);
  await expect(client.responses.create({ model, input })).rejects.toMatchObject({ status: 503 });
  socket.create({ store: false, input });
  expect(await socket.response()).toMatchObject({ status: 'completed' });
  // What was answered before is there, and whoever makes room can go on.
  for (const id of kept) expect(await client.responses.retrieve(id)).toMatchObject({ status: 'completed' });
  for (const id of kept) await client.responses.delete(id);
  socket.create({ store: true, input });
  expect(await socket.response()).toMatchObject({ status: 'completed' });
});

it('a locked file is a 503, and the socket and the server live on', async () => {
  await using server = await startTestServer({ store: await openSqliteStore(path, { lockTimeoutMs: 10 }) });
  const client = clientOf(server);
  const { id: conversation } = await client.conversations.create();
  using socket = await TestSocket.open(server.url);
  socket.create({ store: true });
  const { id: parent } = await socket.response();

  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  socket.create({ store: true, previous_response_id: parent });
  expect(await socket.response()).toMatchObject({ status: 'failed', error: { code: 'store_unavailable' } });
  const unavailable = { status: 503, code: 'store_unavailable' };
  await expect(client.responses.create({ model, input: 'Hi.' })).rejects.toMatchObject(unavailable);
  await expect(client.responses.create({ model, input: 'Hi.', background: true })).rejects.toMatchObject(unavailable);
  await expect(client.responses.create({ model, input: 'Hi.', conversation })).rejects.toMatchObject(unavailable);
  await expect(client.conversations.create()).rejects.toMatchObject(unavailable);
  await expect(client.responses.delete(parent)).rejects.toMatchObject(unavailable);
  // What needs no writing goes on.
  expect(await client.responses.retrieve(parent)).toMatchObject({ id: parent });
  socket.create({ store: false });
  expect(await socket.response()).toMatchObject({ status: 'completed' });
  other.exec('ROLLBACK');
  other.close();

  socket.create({ store: true, previous_response_id: parent });
  expect(await socket.response()).toMatchObject({ status: 'completed' });
  const turn = await client.responses.create({ model, input: 'Hi.', conversation });
  expect(turn.status).toBe('completed');
  expect(await allOf(client.conversations.items.list(conversation))).toHaveLength(2);
  const { id } = await client.responses.create({ model, input: 'Hi.', background: true });
  expect((await untilOver(client, id)).status).toBe('completed');
});
