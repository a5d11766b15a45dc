import { expect, it } from 'vitest';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { Retention } from '../../src/store/retention.ts';
import { storedResponse } from './fixtures.ts';

const options = {
  keptSeconds: 30,
  eventsKeptSeconds: 10,
  maxResponses: Infinity,
  maxBytes: Infinity,
  now: () => 100_000,
  onError: (error: unknown) => {
    throw error;
  },
};

it('one round lets go of everything that is too old, and of nothing else', async () => {
  const store = createMemoryStore();
  const all = Array.from({ length: 200 }, (_, n) => storedResponse({ createdAt: n }));
  for (const stored of all) await store.put(stored);
  const retention = new Retention(store, options);
  await retention.run();
  const left = await Promise.all(all.map(({ id }) => store.get('default', id)));
  expect(left.map((stored) => stored?.createdAt ?? null)).toEqual(all.map((_, n) => (n < 70 ? null : n)));
  await retention.close();
});

it('a round that fails is told, and the next one comes all the same', async () => {
  const store = createMemoryStore();
  await store.put(storedResponse({ createdAt: 1 }));
  let failing = true;
  const told: unknown[] = [];
  const broken = {
    ...store,
    expire: async (...args: Parameters<typeof store.expire>) => {
      if (failing) throw new Error('The disk is gone.');
      return store.expire(...args);
    },
  };
  const retention = new Retention(broken, { ...options, onError: (error) => void told.push(error) });
  await retention.run();
  expect(told).toMatchObject([{ message: 'The disk is gone.' }]);
  failing = false;
  await retention.run();
  expect(told).toHaveLength(1);
  await retention.close();
});

it('stops between two pieces when it is closed', async () => {
  let pieces = 0;
  const endless = {
    ...createMemoryStore(),
    expire: async () => {
      if (++pieces === 3) void retention.close();
      return true;
    },
  };
  const retention = new Retention(endless, options);
  await retention.run();
  expect(pieces).toBe(3);
});
