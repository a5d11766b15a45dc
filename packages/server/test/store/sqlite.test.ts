import { spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { describeBackground } from './contract-background.ts';
import { describeConversations } from './contract-conversations.ts';
import { describeRetention } from './contract-retention.ts';
import { describeStore } from './contract.ts';
import { at, storedChain, storedResponse } from './fixtures.ts';

let folder: string;
let path: string;
const opened: Store[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longwire-store-'));
  path = join(folder, 'data', 'longwire.sqlite');
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  rmSync(folder, { recursive: true });
});

async function open(lockTimeoutMs?: number): Promise<Store> {
  const store = await openSqliteStore(path, lockTimeoutMs === undefined ? {} : { lockTimeoutMs });
  opened.push(store);
  return store;
}

/** A file as the first version made it. */
function openFirstVersion(name: string): DatabaseSync {
  mkdirSync(dirname(name), { recursive: true });
  const database = new DatabaseSync(name);
  const migration = new URL('../../src/store/sqlite/migrations/0001-responses.sql', import.meta.url);
  database.exec(`${readFileSync(migration, 'utf8')}; PRAGMA user_version = 1;`);
  return database;
}

/** Permissions, in octal digits. */
function modeOf(name: string): string {
  return (statSync(name).mode & 0o777).toString(8);
}

/** Another process that writes chains and prints each id after its put has resolved. */
function spawnWriter(concurrency: number, puts?: number) {
  const script = fileURLToPath(new URL('./write-loop.ts', import.meta.url));
  const args = [script, path, String(concurrency), ...(puts === undefined ? [] : [String(puts)])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return { child, exited: once(child, 'exit'), lines: createInterface({ input: child.stdout }) };
}

for (const contract of [describeStore, describeConversations, describeBackground, describeRetention]) {
  contract('sqlite', () => open());
}

describe('sqlite', () => {
  it('finds everything when it is opened again', async () => {
    const chain = storedChain(20);
    const first = await open();
    await Promise.all(chain.map((stored) => first.put(stored)));
    await first.close();
    const second = await open();
    expect(await second.chain('default', at(chain, 19).id)).toEqual(chain);
  });

  it('stores only the delta of a response', async () => {
    const store = await open();
    for (const stored of storedChain(10)) await store.put(stored);
    await store.close();
    const database = new DatabaseSync(path);
    const rows = database.prepare('SELECT input FROM responses').all();
    database.close();
    for (const [index, { input }] of rows.entries()) {
      expect(JSON.parse(String(input))).toEqual(storedResponse({ text: `turn ${index}` }).input);
    }
    expect(rows).toHaveLength(10);
  });

  it.each(['get-response', 'get-chain', 'delete-response'])(
    'finds rows by their keys, never by reading a table (%s)',
    async (name) => {
      await (await open()).close();
      const sql = readFileSync(new URL(`../../src/store/sqlite/sql/${name}.sql`, import.meta.url), 'utf8');
      const database = new DatabaseSync(path);
      const steps = database
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => String(detail));
      database.close();
      const touching = steps.filter((step) => /\b(responses|parent)\b/.test(step));
      expect(touching.length).toBeGreaterThan(0);
      for (const step of touching) expect(step).toContain('(project=? AND id=?)');
    },
  );

  it('reads each table of a statement through an index', async () => {
    await (await open()).close();
    const folder = new URL('../../src/store/sqlite/sql/', import.meta.url);
    const database = new DatabaseSync(path);
    const scans = readdirSync(folder).flatMap((name) =>
      database
        .prepare(`EXPLAIN QUERY PLAN ${readFileSync(new URL(name, folder), 'utf8')}`)
        .all()
        .map(({ detail }) => `${name}: ${String(detail)}`)
        .filter((step) =>
          /SCAN (responses|response_\w+|conversations|conversation_items|leases)\b(?!.*INDEX)/.test(step),
        ),
    );
    database.close();
    // Once in ten minutes, and of the small table of conversations only.
    expect(scans).toEqual(['expire-conversations.sql: SCAN conversations']);
  });

  it('brings a file of the first version to the newest', async () => {
    const database = openFirstVersion(path);
    const chain = [
      ['resp_root', null],
      ['resp_child', 'resp_root'],
      ['resp_leaf', 'resp_child'],
      ['resp_cut', 'resp_gone'],
    ];
    const insert = database.prepare('INSERT INTO responses VALUES (?, ?, ?, ?, ?, ?)');
    const { input, response } = storedResponse();
    for (const [id = '', parentId = null] of chain) {
      insert.run('default', id, parentId, 7, JSON.stringify(input), JSON.stringify(response));
    }
    database.close();
    const store = await open();
    const found = await store.chain('default', 'resp_leaf');
    expect(found?.map(({ id, parentId, createdAt }) => [id, parentId, createdAt])).toEqual([
      ['resp_root', null, 7],
      ['resp_child', 'resp_root', 7],
      ['resp_leaf', 'resp_child', 7],
    ]);
    expect(await store.get('default', 'resp_cut')).toMatchObject({ parentId: 'resp_gone', input, response });
    const again = new DatabaseSync(path);
    expect(again.prepare('SELECT id, chain_id FROM responses ORDER BY id').all()).toEqual([
      { id: 'resp_child', chain_id: 'resp_root' },
      { id: 'resp_cut', chain_id: 'resp_cut' },
      { id: 'resp_leaf', chain_id: 'resp_root' },
      { id: 'resp_root', chain_id: 'resp_root' },
    ]);
    again.close();
  });

  it('keeps its files to their owner', async () => {
    const store = await open();
    await store.put(storedResponse());
    expect(modeOf(join(folder, 'data'))).toBe('700');
    expect([path, `${path}-wal`, `${path}-shm`].map(modeOf)).toEqual(['600', '600', '600']);
  });

  it('leaves nothing of a deleted response in the file', async () => {
    const store = await open();
    const stored = storedResponse({ text: 'the-secret-words' });
    await store.put(stored);
    await store.delete('default', stored.id);
    await store.close();
    expect(readFileSync(path).includes('the-secret-words')).toBe(false);
  });

  it('rejects while another process holds the lock, and works afterwards', async () => {
    const store = await open(20);
    const before = storedResponse();
    await store.put(before);
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const [put, get] = [store.put(storedResponse()), store.get('default', before.id)];
    await expect(put).rejects.toMatchObject({ code: 'store_unavailable', status: 503, retryable: true });
    expect(await get).toEqual(before);
    other.exec('ROLLBACK');
    other.close();
    const after = storedResponse();
    await store.put(after);
    expect(await store.get('default', after.id)).toEqual(after);
  });

  it('rejects what the disk does not take, and works afterwards', () => {
    const script = fileURLToPath(new URL('./write-beyond.ts', import.meta.url));
    const limited = ['-c', 'ulimit -f 2000; exec "$@"', 'sh', process.execPath, script, path];
    const { stdout, stderr } = spawnSync('sh', limited, { encoding: 'utf8' });
    expect([stdout, stderr]).toEqual(['stored true\nstore_unavailable false\nstored true\n', '']);
  });

  it('recovers once a broken file is restored', async () => {
    const store = await open();
    const stored = storedResponse();
    await store.put(stored);
    const other = new DatabaseSync(path);
    other.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    copyFileSync(path, `${path}.backup`);
    // A change by another connection makes the store read its pages again.
    other.exec('CREATE TABLE other (x)');
    other.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    other.close();
    writeFileSync(path, Buffer.alloc(statSync(path).size, 'not a database'));
    await expect(store.get('default', stored.id)).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(store.put(storedResponse())).rejects.toMatchObject({ code: 'store_unavailable' });
    copyFileSync(`${path}.backup`, path);
    expect(await store.get('default', stored.id)).toEqual(stored);
    await store.put(storedResponse());
  });

  it('says so when a file is no database', async () => {
    await (await open()).close();
    writeFileSync(path, 'This is a letter, and by no means a database.'.repeat(100));
    await expect(open()).rejects.toThrow(`Cannot open the store ${path}: file is not a database`);
  });

  it('says so when a file was cut short', async () => {
    const store = await open();
    await Promise.all(Array.from({ length: 50 }, () => store.put(storedResponse())));
    await store.close();
    truncateSync(path, 5000);
    await expect(open()).rejects.toThrow(`Cannot open the store ${path}: database disk image is malformed`);
  });

  it('refuses a file of a newer version and leaves it as it is', async () => {
    await (await open()).close();
    const database = new DatabaseSync(path);
    database.exec('PRAGMA user_version = 99');
    database.close();
    await expect(open()).rejects.toThrow(/newer Longwire \(schema 99, this one knows \d+\)/);
    const again = new DatabaseSync(path);
    expect(again.prepare('PRAGMA user_version').get()).toEqual({ user_version: 99 });
    again.close();
  });

  it('can be opened for the first time by several at once', async () => {
    const stores = await Promise.all(Array.from({ length: 6 }, () => open()));
    const all = stores.map((store) => ({ store, stored: storedResponse() }));
    await Promise.all(all.map(({ store, stored }) => store.put(stored)));
    for (const { stored } of all) expect(await at(stores, 0).get('default', stored.id)).toEqual(stored);
  });

  it('is shared by two processes that write at the same time', async () => {
    const store = await open();
    const { lines, exited } = spawnWriter(4, 25);
    const theirs: string[] = [];
    const ours: string[] = [];
    for await (const id of lines) {
      theirs.push(id);
      const stored = storedResponse({ parentId: id });
      await store.put(stored);
      ours.push(stored.id);
    }
    expect(await exited).toEqual([0, null]);
    expect(theirs).toHaveLength(100);
    for (const id of [...theirs, ...ours]) expect(await store.chain('default', id)).not.toBeNull();
  });

  it.each([1, 2, 3, 4, 5])('has every acknowledged response after kill -9 (round %i)', async () => {
    const acknowledged: string[] = [];
    const { child, exited, lines } = spawnWriter(8);
    const enough = randomInt(1, 400);
    for await (const id of lines) {
      acknowledged.push(id);
      // The writer goes on meanwhile: the signal meets it wherever it is.
      if (acknowledged.length === enough) child.kill('SIGKILL');
    }
    expect(await exited).toEqual([null, 'SIGKILL']);
    expect(acknowledged.length).toBeGreaterThanOrEqual(enough);
    const store = await open();
    for (const id of acknowledged) expect(await store.chain('default', id)).not.toBeNull();
    const database = new DatabaseSync(path);
    expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    database.close();
  });
});
