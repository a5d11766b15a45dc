/** Writes chains without end and prints every id once its put has resolved. For sqlite.test.ts, which kills it. */
import { openSqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { storedResponse } from './fixtures.ts';

const [path = '', concurrency = '1', puts = 'Infinity'] = process.argv.slice(2);
const store = await openSqliteStore(path);

async function writeChain(): Promise<void> {
  let parentId: string | null = null;
  for (let i = 0; i < Number(puts); i++) {
    const stored = storedResponse({ parentId, text: `turn ${i} `.repeat(200) });
    await store.put(stored);
    process.stdout.write(`${stored.id}\n`);
    parentId = stored.id;
  }
}

await Promise.all(Array.from({ length: Number(concurrency) }, writeChain));
await store.close();
