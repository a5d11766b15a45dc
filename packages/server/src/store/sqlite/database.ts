/** The SQLite file: opened, brought to the newest schema, and run a batch at a time. Blocking: for the worker thread only. */
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import type { Operation, Outcome, Row, Statement, Step } from './messages.ts';
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
  /** `:memory:` for one that is gone with its connection. */
  readonly path: string;
  /** How long to wait for another process that writes. */
  readonly lockTimeoutMs: number;
  /** What the file may grow to, as if the disk ended there. Rounded to pages; null leaves it to the disk. */
  readonly maxBytes: number | null;
}

/** SQLite's own default, which new files get. */
const pageBytes = 4096;

/** Opens the file, made with its folder where they are missing. Throws what SQLite or the file system throws. */
export function openDatabase({ path, lockTimeoutMs, maxBytes }: DatabaseOptions): Database {
  if (path !== ':memory:') {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Before SQLite makes it: the files beside it (-wal, -shm) take over its mode.
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
  }
  const connection = new DatabaseSync(path, { timeout: lockTimeoutMs });
  try {
    configure(connection);
    migrate(connection);
    if (maxBytes !== null) connection.exec(`PRAGMA max_page_count = ${Math.ceil(maxBytes / pageBytes)}`);
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
    PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON;
    PRAGMA journal_size_limit = ${64 * 2 ** 20};
  `);
}

function createDatabase(connection: DatabaseSync): Database {
  const prepared = new Map<string, Prepared>();
  const savepoint = connection.prepare('SAVEPOINT operation');
  const release = connection.prepare('RELEASE operation');
  const takeBack = connection.prepare('ROLLBACK TO operation');

  function prepare(name: string): Prepared {
    const known = prepared.get(name);
    if (known) return known;
    const sql = readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), 'utf8');
    const statement = connection.prepare(sql);
    const fresh = { statement, returnsRows: statement.columns().length > 0 };
    prepared.set(name, fresh);
    return fresh;
  }

  function read({ name, values }: Statement): Outcome {
    return done(prepare(name).statement.all(values));
  }

  /** The steps of one write; a savepoint takes them back where one of them fails or comes to nothing. */
  function write(steps: readonly Step[]): Outcome {
    savepoint.run();
    try {
      let rows: readonly unknown[] = [];
      let applied = true;
      for (const { name, values, required } of steps) {
        const changed = change(prepare(name), values);
        rows = changed.rows;
        if (required && changed.count === 0) {
          applied = false;
          takeBack.run();
          break;
        }
      }
      release.run();
      return done(applied ? rows : [], applied);
    } catch (error) {
      if (connection.isTransaction) {
        takeBack.run();
        release.run();
      }
      throw error;
    }
  }

  /** One operation's failure is its own, as long as the file and the transaction live. */
  function attempt(run: () => Outcome, inTransaction: boolean): Outcome {
    try {
      return run();
    } catch (error) {
      if (isBroken(error) || (inTransaction && !connection.isTransaction)) throw error;
      return failed(error);
    }
  }

  function commit(writes: readonly Write[]): Outcome[] {
    try {
      connection.exec('BEGIN IMMEDIATE');
      const outcomes = writes.map(({ steps }) => attempt(() => write(steps), true));
      connection.exec('COMMIT');
      return outcomes;
    } catch (error) {
      if (connection.isTransaction) connection.exec('ROLLBACK');
      if (isBroken(error)) throw error;
      return writes.map(() => failed(error));
    }
  }

  return {
    run(operations) {
      const writes = operations.filter((operation) => operation.kind === 'write');
      const written = writes.length === 0 ? [] : commit(writes);
      const outcomes = new Map<Operation, Outcome | undefined>(
        writes.map((operation, index) => [operation, written[index]]),
      );
      return operations.map((operation) => {
        if (operation.kind === 'read') return attempt(() => read(operation.statement), false);
        return outcomes.get(operation) ?? done([]);
      });
    },
    close: () => connection.close(),
  };
}

type Write = Extract<Operation, { kind: 'write' }>;
interface Prepared {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
}

/** A statement that returns rows has no count of its own: it returns a row for each that it changed. */
function change({ statement, returnsRows }: Prepared, values: Row): { rows: readonly unknown[]; count: number } {
  if (!returnsRows) return { rows: [], count: Number(statement.run(values).changes) };
  const rows = statement.all(values);
  return { rows, count: rows.length };
}

/** SQLite's primary result codes READONLY, IOERR, CORRUPT, CANTOPEN and NOTADB: this connection will not recover. */
function isBroken(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  return [8, 10, 11, 14, 26].includes(code);
}

/** Our columns hold text, whole numbers and NULL. */
function done(rows: readonly unknown[], applied = true): Outcome {
  return { kind: 'done', rows: rows as readonly Row[], applied };
}

function failed(error: unknown): Outcome {
  return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
}
