import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoreMeter } from '../../src/observe/store-meter.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { storedResponse } from '../store/fixtures.ts';

type Operated = Parameters<StoreMeter['operated']>;

function createRecorder(): { meter: StoreMeter; operated: Operated[] } {
  const operated: Operated[] = [];
  return { meter: { operated: (...each) => void operated.push(each) }, operated };
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longwire-metrics-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a store that is counted', () => {
  it.each([
    ['sqlite', (meter: StoreMeter) => openSqliteStore(join(folder, 'longwire.sqlite'), { meter })],
    ['memory', async (meter: StoreMeter) => createMemoryStore(meter)],
  ])('%s: tells each read and write once, with its time', async (_, open) => {
    const { meter, operated } = createRecorder();
    const store = await open(meter);
    const stored = storedResponse();
    await store.put(stored);
    await store.get(stored.project, stored.id);
    await store.close();
    expect(operated.map(([kind, , done]) => [kind, done])).toEqual([
      ['write', true],
      ['read', true],
    ]);
    expect(operated.every(([, durationMs]) => durationMs >= 0)).toBe(true);
  });

  it('tells what failed', async () => {
    const { meter, operated } = createRecorder();
    const store = createMemoryStore(meter);
    await store.close();
    await expect(store.put(storedResponse())).rejects.toMatchObject({ entry: 'store_unavailable' });
    expect(operated.map(([kind, , done]) => [kind, done])).toEqual([['write', false]]);
  });
});
