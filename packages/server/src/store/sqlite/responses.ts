/** Responses and their items in SQL. */
import type { Item } from '@longwire/protocol';
import type { PutGuard, ResponseStore, StoredResponse } from '../store.ts';
import { appendSteps } from './conversations.ts';
import { decodeJson, read, requiredStep, step, write } from './executor.ts';
import type { Executor } from './executor.ts';
import type { Step } from './messages.ts';
import { decodeRow, encodeRow, orderChain } from './rows.ts';

/** The part of the store that keeps responses. */
export function createResponseStore(executor: Executor): ResponseStore {
  return {
    async put(stored, guard = {}) {
      return (await write(executor, ...guardSteps(stored, guard), ...putSteps(stored))).applied;
    },

    async get(project, id) {
      const [row] = await read(executor, 'get-response', { project, id });
      return row ? decodeRow(row) : null;
    },

    async chain(project, id, until = new Set()) {
      if (until.has(id)) return [];
      const rows = await read(executor, 'get-chain', { project, id, until: JSON.stringify([...until]) });
      return orderChain(rows, id, until)?.map(decodeRow) ?? null;
    },

    async delete(project, id) {
      return (await write(executor, requiredStep('delete-response', { project, id }))).applied;
    },

    async findItems(project, ids) {
      const found = new Map<string, Item>();
      if (ids.length === 0) return found;
      for (const row of await read(executor, 'find-items', { project, ids: JSON.stringify(ids) })) {
        const id = String(row['id']);
        if (found.has(id)) continue;
        if (row['item'] !== null) {
          found.set(id, decodeJson(row['item']) as Item);
          continue;
        }
        const input = decodeJson(row['input']) as Item[];
        const { output } = decodeJson(row['response']) as { output: Item[] };
        const item = [...output, ...input].find((candidate) => idOf(candidate) === id);
        if (item) found.set(id, item);
      }
      return found;
    },
  };
}

/** Writes a response and the index of its items. */
export function putSteps(stored: StoredResponse): readonly Step[] {
  const { project, id, input, response } = stored;
  const ids = [...input, ...response.output].map(idOf).filter((itemId) => itemId !== null);
  return [
    step('put-response', encodeRow(stored)),
    ...(ids.length === 0 ? [] : [step('put-response-items', { project, response_id: id, ids: JSON.stringify(ids) })]),
  ];
}

function guardSteps({ project, id }: StoredResponse, { owner, append }: PutGuard): readonly Step[] {
  return [
    ...(owner === undefined ? [] : [requiredStep('hold-lease', { project, response_id: id, owner, until_ms: 0 })]),
    ...(append ? appendSteps(project, append, append.items) : []),
  ];
}

function idOf(item: Item): string | null {
  return 'id' in item && typeof item.id === 'string' ? item.id : null;
}
