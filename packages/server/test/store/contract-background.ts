import type { KnownEvent } from '@longwire/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Store, StoredResponse } from '../../src/store/store.ts';
import { storedResponse } from './fixtures.ts';

const here = { owner: 'proc_here', untilMs: 1000 };
const there = { owner: 'proc_there', untilMs: 5000 };

/** What every store must do with background responses; `open` makes an empty one. */
export function describeBackground(name: string, open: () => Promise<Store>): void {
  describe(`${name} keeps background responses`, () => {
    let store: Store;
    let stored: StoredResponse;

    beforeEach(async () => {
      store = await open();
      stored = storedResponse();
      await store.begin(stored, here, eventsOf(0, 2));
    });
    afterEach(() => store.close());

    const numbers = async (after: number) => (await store.events(stored, after)).map((event) => event.sequence_number);

    it('gives events back from any number on', async () => {
      expect(await store.appendEvents(stored, here, eventsOf(2, 5))).toBe(true);
      expect(await store.endLease(stored, here.owner, eventsOf(5, 6))).toBe(true);
      expect(await store.events(stored, -1)).toEqual(eventsOf(0, 6));
      expect(await numbers(0)).toEqual([1, 2, 3, 4, 5]);
      expect(await numbers(3)).toEqual([4, 5]);
      expect(await numbers(5)).toEqual([]);
      expect(await store.events({ ...stored, project: 'other' }, -1)).toEqual([]);
    });

    it('reads a long log piece by piece', async () => {
      for (let n = 2; n < 600; n++) void store.appendEvents(stored, here, eventsOf(n, n + 1));
      const read: (number | undefined)[] = [];
      for (;;) {
        const piece = await numbers(read.at(-1) ?? -1);
        if (piece.length === 0) break;
        read.push(...piece);
      }
      expect(read).toEqual(Array.from({ length: 600 }, (_, n) => n));
    });

    it('ends the lease once, and lets nobody write behind it', async () => {
      expect(await store.isLeased(stored)).toBe(true);
      expect(await store.endLease(stored, here.owner, eventsOf(2, 3))).toBe(true);
      expect(await store.isLeased(stored)).toBe(false);
      expect(await store.endLease(stored, here.owner, eventsOf(3, 4))).toBe(false);
      expect(await store.appendEvents(stored, here, eventsOf(3, 4))).toBe(false);
      expect(await store.put({ ...stored, createdAt: 1 }, { owner: here.owner })).toBe(false);
      expect(await numbers(-1)).toEqual([0, 1, 2]);
      expect(await store.get('default', stored.id)).toEqual(stored);
    });

    it('lets only the owner write', async () => {
      expect(await store.put({ ...stored, createdAt: 1 }, { owner: there.owner })).toBe(false);
      expect(await store.appendEvents(stored, there, eventsOf(2, 3))).toBe(false);
      expect(await store.seize(stored, there)).toBe(true);
      expect(await store.appendEvents(stored, here, eventsOf(2, 3))).toBe(false);
      expect(await store.put({ ...stored, createdAt: 1 }, { owner: here.owner })).toBe(false);
      expect(await store.put({ ...stored, createdAt: 2 }, { owner: there.owner })).toBe(true);
      expect(await store.get('default', stored.id)).toMatchObject({ createdAt: 2 });
    });

    it('gives to one what has run out, and leaves what has not', async () => {
      expect(await store.seizeExpired(1000, there)).toEqual([]);
      const [first, second] = await Promise.all([
        store.seizeExpired(1001, there),
        store.seizeExpired(1001, { owner: 'proc_third', untilMs: 5000 }),
      ]);
      expect([...first, ...second]).toEqual([{ project: 'default', id: stored.id }]);
    });

    it('prolongs leases, with every event and all at once', async () => {
      await store.appendEvents(stored, { ...here, untilMs: 2000 }, eventsOf(2, 3));
      expect(await store.seizeExpired(1999, there)).toEqual([]);
      await store.renewLeases({ ...here, untilMs: 3000 });
      expect(await store.seizeExpired(2999, there)).toEqual([]);
      expect(await store.seizeExpired(3001, there)).toHaveLength(1);
    });

    it('has nothing to seize of what does not run, or was deleted', async () => {
      const finished = storedResponse();
      await store.put(finished);
      expect(await store.seize(finished, there)).toBe(false);
      await store.delete('default', stored.id);
      expect(await store.seize(stored, there)).toBe(false);
      expect(await store.events(stored, -1)).toEqual([]);
    });
  });
}

/** Events with the numbers `from` to `to` - 1. */
function eventsOf(from: number, to: number): KnownEvent[] {
  return Array.from({ length: to - from }, (_, index) => ({ type: 'keepalive', sequence_number: from + index }));
}
