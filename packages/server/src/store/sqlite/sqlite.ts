/** A store in one SQLite file: durable, and shared with other processes if need be. */
import { errors } from '@longwire/protocol';
import { decodeRow, encodeRow, orderChain } from '../row.ts';
import type { ResponseRow } from '../row.ts';
import type { Store, StoredResponse } from '../store.ts';
import { createGroupCommit } from './group-commit.ts';

/** How the store behaves. */
export interface SqliteStoreOptions {
  /** How long to wait for another process that writes, in milliseconds. */
  readonly lockTimeoutMs?: number;
}

/**
 * Opens the store in the file at `path`, made with mode 0600, and its folder with 0700, where they are missing.
 * Throws a clear `Error` for a file that is no database, cannot be opened, or has a newer schema.
 */
export async function openSqliteStore(path: string, options: SqliteStoreOptions = {}): Promise<Store> {
  const commit = createGroupCommit({ path, lockTimeoutMs: options.lockTimeoutMs ?? 5000 });
  try {
    await commit.run({ kind: 'open' });
  } catch (error) {
    await commit.close();
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(`Cannot open the store ${path}: ${reason}`, { cause: error });
  }

  return {
    async put(stored) {
      await commit.run({ kind: 'put', row: encodeRow(stored) });
    },

    async get(project, id) {
      const { rows } = await commit.run({ kind: 'get', project, id });
      return decodeRows(rows)[0] ?? null;
    },

    async chain(project, id, until = new Set()) {
      if (until.has(id)) return [];
      const { rows } = await commit.run({ kind: 'chain', project, id, until: [...until] });
      const chain = orderChain(rows, id, until);
      return chain && decodeRows(chain);
    },

    async delete(project, id) {
      return (await commit.run({ kind: 'delete', project, id })).existed;
    },

    close: () => commit.close(),
  };
}

/** SQLite does not check what stands inside a long text: a damaged page may come back as broken JSON. */
function decodeRows(rows: readonly ResponseRow[]): StoredResponse[] {
  try {
    return rows.map(decodeRow);
  } catch (error) {
    throw errors.storeUnavailable(error);
  }
}
