import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RetentionLimits, Store, StoredResponse } from '../../src/store/store.ts';
import { storedResponse } from './fixtures.ts';

const unlimited: RetentionLimits = { before: 0, eventsBefore: 0, maxResponses: Infinity, maxBytes: Infinity };

/** How every store lets go; `open` makes an empty one. */
export function describeRetention(name: string, open: () => Promise<Store>): void {
  describe(`${name} lets go`, () => {
    let store: Store;

    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    async function expire(limits: Partial<RetentionLimits>): Promise<void> {
      while (await store.expire({ ...unlimited, ...limits }));
    }

    async function put(changes: Partial<StoredResponse> & { text?: string }): Promise<StoredResponse> {
      const stored = storedResponse(changes);
      await store.put(stored);
      return stored;
    }

    async function left(...all: readonly StoredResponse[]): Promise<boolean[]> {
      return Promise.all(all.map(async ({ project, id }) => (await store.get(project, id)) !== null));
    }

    it('of a chain as a whole, by the age of its newest response', async () => {
      const old = await put({ createdAt: 10 });
      const oldEnd = await put({ createdAt: 20, parentId: old.id });
      const root = await put({ createdAt: 10 });
      const fork = await put({ createdAt: 15, parentId: root.id });
      const alive = await put({ createdAt: 30, parentId: root.id });
      await expire({ before: 25 });
      expect(await left(old, oldEnd, root, fork, alive)).toEqual([false, false, true, true, true]);
      await expire({ before: 31 });
      expect(await left(root, fork, alive)).toEqual([false, false, false]);
    });

    it('of the chains used longest ago, when there are too many responses', async () => {
      const all: StoredResponse[] = [];
      for (let n = 0; n < 10; n++) all.push(await put({ createdAt: n }));
      await expire({ maxResponses: 4 });
      expect(await left(...all)).toEqual([...Array.from({ length: 6 }, () => false), true, true, true, true]);
    });

    it('of the same, when they take too many bytes', async () => {
      const text = 'x'.repeat(200_000);
      const all: StoredResponse[] = [];
      for (let n = 0; n < 10; n++) all.push(await put({ createdAt: n, text }));
      await expire({ maxBytes: 1_100_000 });
      const there = await left(...all);
      expect(there.indexOf(true)).toBe(there.filter((kept) => !kept).length);
      expect(there.filter(Boolean).length).toBeGreaterThanOrEqual(3);
      expect(there.filter(Boolean).length).toBeLessThanOrEqual(5);
    });

    it('of nothing that runs', async () => {
      const running = storedResponse({ createdAt: 1 });
      await store.begin(running, { owner: 'proc_1', untilMs: 9 }, [{ type: 'keepalive', sequence_number: 0 }]);
      await expire({ before: 100, eventsBefore: Number.MAX_SAFE_INTEGER, maxResponses: 0, maxBytes: 0 });
      expect(await left(running)).toEqual([true]);
      expect(await store.events(running, -1)).toHaveLength(1);
      await store.endLease(running, 'proc_1', []);
      await expire({ eventsBefore: Number.MAX_SAFE_INTEGER });
      expect(await left(running)).toEqual([true]);
      expect(await store.events(running, -1)).toEqual([]);
    });

    it('of the items of a conversation that was deleted long ago, and of no other', async () => {
      const item = { type: 'message', id: 'msg_1', role: 'user', content: 'x' } as const;
      for (const id of ['conv_old', 'conv_kept']) {
        await store.createConversation({ id, project: 'default', createdAt: 1, metadata: {} }, [item]);
      }
      await store.deleteConversation('default', 'conv_old', 10);
      await expire({ before: 10 });
      expect(await store.itemsBefore('default', { id: 'conv_old', position: 1 })).toHaveLength(1);
      await expire({ before: 11 });
      expect(await store.itemsBefore('default', { id: 'conv_old', position: 1 })).toEqual([]);
      expect(await store.itemsBefore('default', { id: 'conv_kept', position: 1 })).toHaveLength(1);
    });
  });
}
