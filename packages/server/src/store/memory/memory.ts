/** A store in this process: gone with it, and bounded. */
import { decodeRow, encodeRow, orderChain } from '../row.ts';
import type { ResponseRow } from '../row.ts';
import type { Store } from '../store.ts';
import { errors } from '@longwire/protocol';

/** Limits of the store. */
export interface MemoryStoreOptions {
  /** Characters of JSON that it keeps; beyond them the oldest responses go first. */
  readonly maxCharacters?: number;
}

/** A store in memory. It keeps what the contract says, except that nothing survives the process or outlives the limit. */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  const { maxCharacters = 2 ** 28 } = options;
  // In the order of writing: the first is the oldest. Encoded, so that nobody can change what is stored.
  const rows = new Map<string, ResponseRow>();
  let characters = 0;
  let closed = false;

  function open(): void {
    if (closed) throw errors.storeUnavailable(new Error('The store is closed.'));
  }

  function remove(key: string): boolean {
    const row = rows.get(key);
    if (row === undefined) return false;
    rows.delete(key);
    characters -= size(row);
    return true;
  }

  return {
    async put(stored) {
      open();
      const row = encodeRow(stored);
      const key = keyOf(row.project, row.id);
      remove(key);
      rows.set(key, row);
      characters += size(row);
      for (const oldest of rows.keys()) {
        if (characters <= maxCharacters) break;
        remove(oldest);
      }
    },

    async get(project, id) {
      open();
      const row = rows.get(keyOf(project, id));
      return row === undefined ? null : decodeRow(row);
    },

    async chain(project, id, until = new Set()) {
      open();
      const found: ResponseRow[] = [];
      const seen = new Set(until);
      for (let next: string | null = id; next !== null && !seen.has(next);) {
        const row: ResponseRow | undefined = rows.get(keyOf(project, next));
        if (row === undefined) return null;
        seen.add(next);
        found.push(row);
        next = row.parent_id;
      }
      return orderChain(found, id, until)?.map(decodeRow) ?? null;
    },

    async delete(project, id) {
      open();
      return remove(keyOf(project, id));
    },

    async close() {
      closed = true;
      rows.clear();
    },
  };
}

/** Unambiguous: no crafted id reaches the row of another project. */
function keyOf(project: string, id: string): string {
  return JSON.stringify([project, id]);
}

function size(row: ResponseRow): number {
  return row.input.length + row.response.length;
}
