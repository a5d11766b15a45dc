/** A store in one SQLite file: durable, and shared with other processes if need be. */
import type { StoreMeter } from '../../observe/store-meter.ts';
import type { Store } from '../store.ts';
import { createBackgroundStore } from './background.ts';
import { createConversationStore } from './conversations.ts';
import type { Executor } from './executor.ts';
import { createGroupCommit } from './group-commit.ts';
import { createMeteredExecutor } from './metered.ts';
import { createResponseStore } from './responses.ts';
import { expire } from './retention.ts';

/** How the store behaves. */
export interface SqliteStoreOptions {
  /** How long to wait for another process that writes, in milliseconds. */
  readonly lockTimeoutMs?: number;
  /** What the file may grow to in bytes: writes beyond that fail as they do on a full disk. Default: what the disk allows. */
  readonly maxBytes?: number;
  /** Who counts its operations. */
  readonly meter?: StoreMeter | null;
}

/**
 * Opens the store in the file at `path`, made with mode 0600, and its folder with 0700, where they are missing.
 * Throws a clear `Error` for a file that is no database, cannot be opened, or has a newer schema.
 */
export async function openSqliteStore(path: string, options: SqliteStoreOptions = {}): Promise<Store> {
  const commit = createGroupCommit({
    path,
    lockTimeoutMs: options.lockTimeoutMs ?? 5000,
    maxBytes: options.maxBytes ?? null,
  });
  try {
    await commit.run({ kind: 'open' });
  } catch (error) {
    await commit.close();
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(`Cannot open the store ${path}: ${reason}`, { cause: error });
  }
  return createStore(commit, options.meter ?? null);
}

/** The store contract on top of an executor, whose operations are counted where there is somebody who does. */
export function createStore(statements: Executor, meter: StoreMeter | null): Store {
  const executor = meter ? createMeteredExecutor(statements, meter) : statements;
  return {
    ...createResponseStore(executor),
    ...createBackgroundStore(executor, Date.now),
    ...createConversationStore(executor),
    expire: (limits) => expire(executor, limits),
    close: () => executor.close(),
  };
}
