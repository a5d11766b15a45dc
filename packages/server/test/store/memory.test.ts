import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { describeStore } from './contract.ts';
import { storedResponse } from './fixtures.ts';

describeStore('memory', async () => createMemoryStore());

describe('memory', () => {
  it('lets the oldest go when it is full', async () => {
    const all = Array.from({ length: 4 }, () => storedResponse({ text: 'x'.repeat(10_000) }));
    const store = createMemoryStore({ maxCharacters: 25_000 });
    for (const stored of all) await store.put(stored);
    const left = await Promise.all(all.map(({ id }) => store.get('default', id)));
    expect(left.map((found) => found !== null)).toEqual([false, false, true, true]);
  });

  it('counts a replaced response once', async () => {
    const store = createMemoryStore({ maxCharacters: 25_000 });
    const [kept, replaced] = [storedResponse(), storedResponse({ text: 'x'.repeat(10_000) })];
    await store.put(kept);
    for (let i = 0; i < 5; i++) await store.put(replaced);
    expect(await store.get('default', kept.id)).toEqual(kept);
  });
});
