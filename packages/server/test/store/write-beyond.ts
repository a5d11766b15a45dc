/** Writes a small, a huge and a small response, and prints what became of each. For sqlite.test.ts, which limits the file. */
import { openSqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { storedResponse } from './fixtures.ts';

const store = await openSqliteStore(process.argv[2] ?? '');
for (const length of [10, 5_000_000, 10]) {
  const stored = storedResponse({ text: 'x'.repeat(length) });
  const became = await store.put(stored).then(
    () => 'stored',
    (error: { code?: string }) => error.code,
  );
  const found = (await store.get('default', stored.id)) !== null;
  process.stdout.write(`${became} ${found}\n`);
}
await store.close();
