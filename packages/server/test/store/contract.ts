import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { at, storedChain, storedResponse } from './fixtures.ts';

/** What every store must do; `open` makes an empty one. */
export function describeStore(name: string, open: () => Promise<Store>): void {
  describe(`${name} keeps the store contract`, () => {
    let store: Store;

    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    it('gives back what was put', async () => {
      const stored = storedResponse({ parentId: 'resp_parent' });
      await store.put(stored);
      expect(await store.get('default', stored.id)).toEqual(stored);
    });

    it('does not know what was never put', async () => {
      expect(await store.get('default', 'resp_unknown')).toBeNull();
      expect(await store.chain('default', 'resp_unknown')).toBeNull();
      expect(await store.delete('default', 'resp_unknown')).toBe(false);
    });

    it('is not changed by what happens to the objects afterwards', async () => {
      const stored = storedResponse();
      await store.put(stored);
      stored.response.model = 'changed';
      const first = await store.get('default', stored.id);
      expect(first?.response.model).toBe('m');
      Object.assign(first?.response ?? {}, { model: 'changed too' });
      expect((await store.get('default', stored.id))?.response.model).toBe('m');
    });

    it('replaces a response that is put again', async () => {
      const stored = storedResponse({ text: 'first' });
      const again = storedResponse({ id: stored.id, text: 'second', parentId: 'resp_parent', createdAt: 7 });
      await store.put(stored);
      await store.put(again);
      expect(await store.get('default', stored.id)).toEqual(again);
    });

    it('deletes once', async () => {
      const stored = storedResponse();
      await store.put(stored);
      expect(await store.delete('default', stored.id)).toBe(true);
      expect(await store.delete('default', stored.id)).toBe(false);
      expect(await store.get('default', stored.id)).toBeNull();
    });

    it('shows nothing to another project', async () => {
      const stored = storedResponse({ project: 'ours' });
      await store.put(stored);
      expect(await store.get('theirs', stored.id)).toBeNull();
      expect(await store.chain('theirs', stored.id)).toBeNull();
      expect(await store.delete('theirs', stored.id)).toBe(false);
      expect(await store.get('ours', stored.id)).toEqual(stored);
    });

    it('does not let a project replace the response of another', async () => {
      const ours = storedResponse({ project: 'ours', text: 'ours' });
      const theirs = storedResponse({ project: 'theirs', id: ours.id, text: 'theirs' });
      await store.put(ours);
      await store.put(theirs);
      expect(await store.get('ours', ours.id)).toEqual(ours);
      expect(await store.get('theirs', ours.id)).toEqual(theirs);
    });

    it('does not follow a chain into another project', async () => {
      const root = storedResponse({ project: 'ours' });
      const child = storedResponse({ project: 'theirs', parentId: root.id });
      await store.put(root);
      await store.put(child);
      expect(await store.chain('theirs', child.id)).toBeNull();
    });

    it('reads a chain root first', async () => {
      const chain = storedChain(5);
      // Children before parents: the order of writing must not matter.
      for (const stored of chain.toReversed()) await store.put(stored);
      expect(await store.chain('default', at(chain, 4).id)).toEqual(chain);
      expect(await store.chain('default', at(chain, 0).id)).toEqual(chain.slice(0, 1));
    });

    it('reads both branches of a fork', async () => {
      const root = storedResponse();
      const left = storedResponse({ parentId: root.id, text: 'left' });
      const right = storedResponse({ parentId: root.id, text: 'right' });
      await Promise.all([root, left, right].map((stored) => store.put(stored)));
      expect(await store.chain('default', left.id)).toEqual([root, left]);
      expect(await store.chain('default', right.id)).toEqual([root, right]);
    });

    it('reads a chain of a thousand', async () => {
      const chain = storedChain(1000);
      await Promise.all(chain.map((stored) => store.put(stored)));
      expect(await store.chain('default', at(chain, 999).id)).toEqual(chain);
    });

    it('has no chain where an ancestor is missing', async () => {
      const chain = storedChain(4);
      for (const stored of chain) await store.put(stored);
      await store.delete('default', at(chain, 1).id);
      expect(await store.chain('default', at(chain, 3).id)).toBeNull();
      expect(await store.chain('default', at(chain, 0).id)).toEqual(chain.slice(0, 1));
    });

    it('ends a chain at the first response that the caller holds', async () => {
      const chain = storedChain(5);
      for (const stored of chain) await store.put(stored);
      const tip = at(chain, 4).id;
      const held = new Set([at(chain, 1).id, at(chain, 2).id]);
      expect(await store.chain('default', tip, held)).toEqual(chain.slice(3));
      expect(await store.chain('default', tip, new Set(['resp_other']))).toEqual(chain);
      expect(await store.chain('default', tip, new Set([tip]))).toEqual([]);
    });

    it('needs no ancestor beyond those that the caller holds', async () => {
      const child = storedResponse({ parentId: 'resp_held' });
      await store.put(child);
      expect(await store.chain('default', child.id, new Set(['resp_held']))).toEqual([child]);
      expect(await store.chain('default', child.id)).toBeNull();
    });

    it('has no chain where parents form a ring', async () => {
      await store.put(storedResponse({ id: 'resp_a', parentId: 'resp_b' }));
      await store.put(storedResponse({ id: 'resp_b', parentId: 'resp_a' }));
      expect(await store.chain('default', 'resp_a')).toBeNull();
    });

    it('takes many puts at once', async () => {
      const all = Array.from({ length: 300 }, (_, index) => storedResponse({ text: `text ${index}` }));
      await Promise.all(all.map((stored) => store.put(stored)));
      expect(await Promise.all(all.map(({ id }) => store.get('default', id)))).toEqual(all);
    });

    it('lets the last of several puts of one id win', async () => {
      const versions = Array.from({ length: 20 }, (_, index) => storedResponse({ id: 'resp_same', text: `${index}` }));
      await Promise.all(versions.map((stored) => store.put(stored)));
      expect(await store.get('default', 'resp_same')).toEqual(versions[19]);
    });

    it('takes items of 5 MB', async () => {
      const stored = storedResponse({ text: 'å'.repeat(5 * 2 ** 20) });
      await store.put(stored);
      expect(await store.get('default', stored.id)).toEqual(stored);
    });

    it.each(['héllo 世界 🧵 ‮', '\u0000\u0001\u001f\u2028\u2029', '\ud800 lone', `'); DROP TABLE responses; --`])(
      'keeps the text %j',
      async (text) => {
        const stored = storedResponse({ text, project: 'prøjekt 🧵' });
        await store.put(stored);
        expect(await store.get('prøjekt 🧵', stored.id)).toEqual(stored);
      },
    );

    it('finishes what was asked for before it closes, and refuses what comes after', async () => {
      const puts = Array.from({ length: 50 }, () => store.put(storedResponse()));
      await store.close();
      await expect(Promise.all(puts)).resolves.toHaveLength(50);
      await expect(store.put(storedResponse())).rejects.toMatchObject({ code: 'store_unavailable' });
      await expect(store.get('default', 'resp_x')).rejects.toMatchObject({ code: 'store_unavailable' });
      await expect(store.close()).resolves.toBeUndefined();
    });
  });
}
