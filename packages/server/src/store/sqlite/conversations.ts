/** Conversations in SQL. */
import type { Item, Metadata } from '@longwire/protocol';
import type { ConversationPlace, ConversationStore, StoredConversation } from '../store.ts';
import { decodeJson, read, requiredStep, step, write } from './executor.ts';
import type { Executor } from './executor.ts';
import type { Row, Step } from './messages.ts';

/** The part of the store that keeps conversations. */
export function createConversationStore(executor: Executor): ConversationStore {
  return {
    async createConversation({ project, id, createdAt, metadata }, items) {
      await write(
        executor,
        step('put-conversation', {
          project,
          id,
          created_at: createdAt,
          position: items.length,
          metadata: JSON.stringify(metadata),
        }),
        ...itemSteps(project, { id, position: 0 }, items),
      );
    },

    async getConversation(project, id) {
      const [row] = await read(executor, 'get-conversation', { project, id });
      return row ? decodeConversation(row) : null;
    },

    async updateConversation(project, id, metadata) {
      const values = { project, id, metadata: JSON.stringify(metadata) };
      const [row] = (await write(executor, step('update-conversation', values))).rows;
      return row ? decodeConversation(row) : null;
    },

    async deleteConversation(project, id, nowSeconds) {
      const values = { project, id, deleted_at: nowSeconds };
      return (await write(executor, requiredStep('delete-conversation', values))).applied;
    },

    async appendItems(project, at, items) {
      return (await write(executor, ...appendSteps(project, at, items))).applied;
    },

    async listItems(project, id, { after, limit, order }) {
      const start =
        after === null ? (order === 'asc' ? -1 : Number.MAX_SAFE_INTEGER) : await positionOf(project, id, after);
      if (start === null) return null;
      const values = { project, conversation_id: id, after: start, limit };
      const rows = await read(executor, `list-conversation-items-${order}`, values);
      return decodeItems(rows);
    },

    async itemsBefore(project, { id, position }) {
      const values = { project, conversation_id: id, position };
      return decodeItems(await read(executor, 'get-conversation-items-before', values));
    },

    async getItem(project, id, itemId) {
      const rows = await read(executor, 'get-conversation-item', { project, conversation_id: id, id: itemId });
      return decodeItems(rows)[0] ?? null;
    },

    async deleteItem(project, id, itemId) {
      const removal = await write(
        executor,
        requiredStep('touch-conversation', { project, id }),
        requiredStep('delete-conversation-item', { project, conversation_id: id, id: itemId }),
      );
      return removal.applied;
    },
  };

  async function positionOf(project: string, id: string, itemId: string): Promise<number | null> {
    const [row] = await read(executor, 'get-conversation-item', { project, conversation_id: id, id: itemId });
    return row ? Number(row['position']) : null;
  }
}

/** Adds items at a place that must still be the conversation's own; one position an item. */
export function appendSteps(project: string, at: ConversationPlace, items: readonly Item[]): readonly Step[] {
  const { id, position } = at;
  return [
    requiredStep('advance-conversation', { project, id, position, count: items.length }),
    ...itemSteps(project, at, items),
  ];
}

function itemSteps(project: string, { id, position }: ConversationPlace, items: readonly Item[]): readonly Step[] {
  return items.map((item, index) =>
    step('put-conversation-item', {
      project,
      conversation_id: id,
      position: position + index,
      id: 'id' in item ? String(item.id) : '',
      item: JSON.stringify(item),
    }),
  );
}

function decodeConversation(row: Row): StoredConversation {
  return {
    id: String(row['id']),
    project: String(row['project']),
    createdAt: Number(row['created_at']),
    position: Number(row['position']),
    metadata: decodeJson(row['metadata']) as Metadata,
  };
}

function decodeItems(rows: readonly Row[]): readonly Item[] {
  return rows.map((row) => decodeJson(row['item']) as Item);
}
