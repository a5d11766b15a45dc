import type { Item } from '@longwire/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PageRequest, Store } from '../../src/store/store.ts';
import { storedResponse } from './fixtures.ts';

const project = 'default';
const id = 'conv_1';

/** What every store must do with conversations; `open` makes an empty one. */
export function describeConversations(name: string, open: () => Promise<Store>): void {
  describe(`${name} keeps conversations`, () => {
    let store: Store;

    beforeEach(async () => {
      store = await open();
      await store.createConversation({ id, project, createdAt: 7, metadata: { a: 'b' } }, [message('1'), message('2')]);
    });
    afterEach(() => store.close());

    it('gives back what was made, and changes it', async () => {
      const made = { id, project, createdAt: 7, metadata: { a: 'b' }, position: 2 };
      expect(await store.getConversation(project, id)).toEqual(made);
      expect(await store.updateConversation(project, id, { c: 'd' })).toEqual({ ...made, metadata: { c: 'd' } });
      expect(await store.getConversation(project, id)).toMatchObject({ metadata: { c: 'd' } });
    });

    it('shows nothing to another project', async () => {
      expect(await store.getConversation('other', id)).toBeNull();
      expect(await store.updateConversation('other', id, {})).toBeNull();
      expect(await store.deleteConversation('other', id, 9)).toBe(false);
      expect(await store.getItem('other', id, 'msg_1')).toBeNull();
      expect(await store.deleteItem('other', id, 'msg_1')).toBe(false);
      expect(await store.itemsBefore('other', { id, position: 9 })).toEqual([]);
      expect(await store.appendItems('other', { id, position: 2 }, [message('x')])).toBe(false);
      expect(await store.findItems('other', ['msg_1'])).toEqual(new Map());
    });

    it.each<[PageRequest, string[] | null]>([
      [{ after: null, limit: 9, order: 'asc' }, ['1', '2', '3', '4']],
      [{ after: null, limit: 3, order: 'desc' }, ['4', '3', '2']],
      [{ after: 'msg_2', limit: 1, order: 'asc' }, ['3']],
      [{ after: 'msg_2', limit: 9, order: 'desc' }, ['1']],
      [{ after: 'msg_4', limit: 9, order: 'asc' }, []],
      [{ after: 'msg_x', limit: 9, order: 'asc' }, null],
    ])('lists %j', async (page, expected) => {
      expect(await store.appendItems(project, { id, position: 2 }, [message('3'), message('4')])).toBe(true);
      expect(await store.listItems(project, id, page)).toEqual(expected?.map(message) ?? null);
    });

    it('takes items only at its own position', async () => {
      expect(await store.appendItems(project, { id, position: 1 }, [message('x')])).toBe(false);
      expect(await store.appendItems(project, { id, position: 2 }, [message('3')])).toBe(true);
      expect(await store.appendItems(project, { id, position: 2 }, [message('x')])).toBe(false);
      expect(await store.deleteItem(project, id, 'msg_1')).toBe(true);
      // Whoever read it before the delete has not seen the newest state.
      expect(await store.appendItems(project, { id, position: 3 }, [message('x')])).toBe(false);
      expect(await store.itemsBefore(project, { id, position: 99 })).toEqual([message('2'), message('3')]);
    });

    it('lets one of many writers at the same position in', async () => {
      const writers = Array.from({ length: 20 }, (_, n) =>
        store.appendItems(project, { id, position: 2 }, [message(`w${n}`)]),
      );
      expect((await Promise.all(writers)).filter(Boolean)).toHaveLength(1);
      expect(await store.getConversation(project, id)).toMatchObject({ position: 3 });
    });

    it('deletes an item once', async () => {
      expect(await store.deleteItem(project, id, 'msg_1')).toBe(true);
      expect(await store.deleteItem(project, id, 'msg_1')).toBe(false);
      expect(await store.getItem(project, id, 'msg_1')).toBeNull();
      expect(await store.getItem(project, id, 'msg_2')).toEqual(message('2'));
      // What changed nothing does not count as a change.
      expect(await store.getConversation(project, id)).toMatchObject({ position: 3 });
    });

    it('writes a response and its items together, or neither', async () => {
      const stored = storedResponse({ conversation: { id, position: 2 } });
      const late = { append: { id, position: 1, items: [message('x')] } };
      expect(await store.put(stored, late)).toBe(false);
      expect(await store.get(project, stored.id)).toBeNull();
      expect(await store.put(stored, { append: { id, position: 2, items: [message('3')] } })).toBe(true);
      expect(await store.get(project, stored.id)).toEqual(stored);
      expect(await store.itemsBefore(project, { id, position: 2 })).toEqual([message('1'), message('2')]);
      expect(await store.itemsBefore(project, { id, position: 3 })).toHaveLength(3);
    });

    it('keeps the items of a deleted conversation for the responses in it', async () => {
      expect(await store.deleteConversation(project, id, 9)).toBe(true);
      expect(await store.deleteConversation(project, id, 9)).toBe(false);
      expect(await store.getConversation(project, id)).toBeNull();
      expect(await store.appendItems(project, { id, position: 2 }, [message('3')])).toBe(false);
      expect(await store.itemsBefore(project, { id, position: 2 })).toHaveLength(2);
    });

    it('finds items of conversations and of responses by their ids', async () => {
      const stored = storedResponse({ input: [message('in')] });
      const output: Item[] = [{ ...message('out'), role: 'assistant' } as Item];
      await store.put({ ...stored, response: { ...stored.response, output: output as never } });
      const found = await store.findItems(project, ['msg_1', 'msg_in', 'msg_out', 'msg_unknown']);
      expect(found).toEqual(
        new Map<string, Item>([
          ['msg_1', message('1')],
          ['msg_in', message('in')],
          ['msg_out', output[0] as Item],
        ]),
      );
      await store.delete(project, stored.id);
      expect(await store.findItems(project, ['msg_in'])).toEqual(new Map());
    });
  });
}

function message(text: string): Item {
  return { type: 'message', id: `msg_${text}`, role: 'user', content: [{ type: 'input_text', text }] };
}
