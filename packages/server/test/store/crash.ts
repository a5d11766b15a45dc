/**
 * Kills a server with SIGKILL at random points, again and again, and looks whether every response that it called completed is on
 * disk, whole, with its chain and its conversation: `node packages/server/test/store/crash.ts [--rounds 1000]`.
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openSqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { TestSocket } from '../harness.ts';

/** What a server has called completed. */
interface Acknowledged {
  readonly id: string;
  readonly conversation: string | null;
  /** How many turns its chain or conversation has, with it. */
  readonly turns: number;
}

const clients = 6;

/** One server, killed in the middle of its work; what it had acknowledged by then. */
export async function crashOnce(path: string): Promise<Acknowledged[]> {
  const script = fileURLToPath(new URL('./crash-server.ts', import.meta.url));
  const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const acknowledged: Acknowledged[] = [];
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  const wanted = randomInt(1, 60);
  const keep = (completed: Acknowledged) => {
    acknowledged.push(completed);
    if (acknowledged.length >= wanted) resolve();
  };
  const work = Promise.allSettled(
    Array.from({ length: clients }, (_, n) => (n % 2 === 0 ? chain(url, keep) : converse(url, keep))),
  );
  await Promise.race([enough, work]);
  // The clients go on meanwhile: the signal meets the server wherever it is.
  await delay(randomInt(0, 20));
  child.kill('SIGKILL');
  await exited;
  await work;
  return acknowledged;
}

/** Turns that continue each other, until the server is gone. */
async function chain(url: string, keep: (completed: Acknowledged) => void): Promise<void> {
  using socket = await TestSocket.open(url);
  let previous: string | null = null;
  for (let turns = 1; ; turns++) {
    socket.create({ store: true, input: 'x'.repeat(randomInt(1, 4000)), previous_response_id: previous });
    const { id, status } = await socket.response();
    if (status === 'completed') keep({ id, conversation: null, turns });
    previous = id;
  }
}

/** Turns of one conversation, until the server is gone. */
async function converse(url: string, keep: (completed: Acknowledged) => void): Promise<void> {
  const made = await fetch(`${url}/conversations`, { method: 'POST' });
  const { id: conversation } = (await made.json()) as { id: string };
  using socket = await TestSocket.open(url);
  for (let turns = 1; ; turns++) {
    socket.create({ store: true, input: 'x'.repeat(randomInt(1, 4000)), conversation });
    const { id, status } = await socket.response();
    if (status === 'completed') keep({ id, conversation, turns });
  }
}

/** Throws for what was acknowledged and is not there, and for a damaged file. */
export async function verify(path: string, acknowledged: readonly Acknowledged[]): Promise<void> {
  const store = await openSqliteStore(path);
  for (const { id, conversation, turns } of acknowledged) {
    const found = await store.chain('default', id);
    if (found?.at(-1)?.response.status !== 'completed') throw new Error(`${id} is lost.`);
    if (conversation === null && found.length !== turns) throw new Error(`${id} lost a part of its chain.`);
    if (conversation === null) continue;
    const items = await store.itemsBefore('default', { id: conversation, position: Number.MAX_SAFE_INTEGER });
    if (items.length < turns * 2 || items.length % 2 !== 0) throw new Error(`${conversation} lost items.`);
  }
  await store.close();
  const database = new DatabaseSync(path);
  const { integrity_check } = database.prepare('PRAGMA integrity_check').get() ?? {};
  const orphans = database.prepare('PRAGMA foreign_key_check').all();
  database.close();
  if (integrity_check !== 'ok' || orphans.length > 0)
    throw new Error(`The file is damaged: ${String(integrity_check)}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '1000' } } });
  const rounds = Number(values.rounds);
  const folder = mkdtempSync(join(tmpdir(), 'longwire-crash-'));
  const path = join(folder, 'longwire.sqlite');
  let total = 0;
  try {
    for (let round = 1; round <= rounds; round++) {
      const acknowledged = await crashOnce(path);
      await verify(path, acknowledged);
      total += acknowledged.length;
      if (round % 50 === 0) process.stdout.write(`${round} kills, ${total} responses acknowledged, none lost\n`);
      // Small files keep the checks quick; the next rounds begin anew.
      if (round % 20 === 0) for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
    }
    process.stdout.write(`${rounds} kills, ${total} responses acknowledged, none lost, file whole\n`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) await main();
