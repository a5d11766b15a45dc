/** The SQLite file: opened, brought to the newest schema, and run a batch at a time. Blocking: for the worker thread only. */
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import type { ResponseRow } from '../row.ts';
import type { Operation, Outcome } from './messages.ts';
import { migrate } from './migrate.ts';

/** An open file. */
export interface Database {
  /**
   * Outcomes in the order of the operations: the writes are one transaction, the reads come after it.
   * Throws when the file is broken: the connection is of no use any more.
   */
  run(operations: readonly Operation[]): Outcome[];
  close(): void;
}

/** Which file, and how to open it. */
export interface DatabaseOptions {
  readonly path: string;
  /** How long to wait for another process that writes. */
  readonly lockTimeoutMs: number;
}

/** Opens the file, made with its folder where they are missing. Throws what SQLite or the file system throws. */
export function openDatabase({ path, lockTimeoutMs }: DatabaseOptions): Database {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Before SQLite makes it: the files beside it (-wal, -shm) take over its mode.
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  const connection = new DatabaseSync(path, { timeout: lockTimeoutMs });
  try {
    configure(connection);
    migrate(connection);
    return createDatabase(connection);
  } catch (error) {
    connection.close();
    throw error;
  }
}

function configure(connection: DatabaseSync): void {
  connection.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
    PRAGMA journal_size_limit = ${64 * 2 ** 20};
  `);
}

function createDatabase(connection: DatabaseSync): Database {
  const statements = {
    put: prepare(connection, 'put'),
    delete: prepare(connection, 'delete'),
    get: prepare(connection, 'get'),
    chain: prepare(connection, 'chain'),
  };

  function apply(operation: Operation): Outcome {
    switch (operation.kind) {
      case 'open':
        return done([]);
      case 'put':
        statements.put.run({ ...operation.row });
        return done([]);
      case 'delete': {
        const { changes } = statements.delete.run({ project: operation.project, id: operation.id });
        return done([], changes > 0);
      }
      case 'get':
        return done(rowsOf(statements.get.all({ project: operation.project, id: operation.id })));
      case 'chain': {
        const { project, id, until } = operation;
        return done(rowsOf(statements.chain.all({ project, id, until: JSON.stringify(until) })));
      }
    }
  }

  /** One operation's failure is its own, as long as the file and the transaction live. */
  function attempt(operation: Operation, inTransaction: boolean): Outcome {
    try {
      return apply(operation);
    } catch (error) {
      if (isBroken(error) || (inTransaction && !connection.isTransaction)) throw error;
      return failed(error);
    }
  }

  function write(operations: readonly Operation[]): Outcome[] {
    try {
      connection.exec('BEGIN IMMEDIATE');
      const outcomes = operations.map((operation) => attempt(operation, true));
      connection.exec('COMMIT');
      return outcomes;
    } catch (error) {
      if (connection.isTransaction) connection.exec('ROLLBACK');
      if (isBroken(error)) throw error;
      return operations.map(() => failed(error));
    }
  }

  return {
    run(operations) {
      const writes = operations.filter(({ kind }) => kind === 'put' || kind === 'delete');
      const written = writes.length === 0 ? [] : write(writes);
      const outcomes = new Map(writes.map((operation, index) => [operation, written[index]]));
      return operations.map((operation) => outcomes.get(operation) ?? attempt(operation, false));
    },
    close: () => connection.close(),
  };
}

/** SQLite's primary result codes READONLY, IOERR, CORRUPT, CANTOPEN and NOTADB: this connection will not recover. */
function isBroken(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  return [8, 10, 11, 14, 26].includes(code);
}

function prepare(connection: DatabaseSync, name: string): StatementSync {
  return connection.prepare(readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), 'utf8'));
}

function done(rows: readonly ResponseRow[], existed = rows.length > 0): Outcome {
  return { kind: 'done', rows, existed };
}

function failed(error: unknown): Outcome {
  return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
}

/** The table's columns are the row's fields: every SELECT names them all. */
function rowsOf(found: readonly unknown[]): ResponseRow[] {
  return found as ResponseRow[];
}
