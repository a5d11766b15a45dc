/** Who runs the statements of a store: the worker thread behind a group commit, or a database in this thread (memory/). */
import { errors } from '@longwire/protocol';
import type { Operation, Outcome, Row, SqlValue, Step } from './messages.ts';

/** What became of an operation that did not fail. */
export type Done = Extract<Outcome, { kind: 'done' }>;

/** Runs operations; each resolves once it is durable, or rejects with `store_unavailable`. */
export interface Executor {
  run(operation: Operation): Promise<Done>;
  /** Finishes what was asked for before, then lets go of the file. */
  close(): Promise<void>;
}

/** The rows of one read. */
export async function read(executor: Executor, name: string, values: Row): Promise<readonly Row[]> {
  return (await executor.run({ kind: 'read', statement: { name, values } })).rows;
}

/** Runs the steps as one; what became of the last. */
export function write(executor: Executor, ...steps: readonly Step[]): Promise<Done> {
  return executor.run({ kind: 'write', steps });
}

/** A step of a write. */
export function step(name: string, values: Row): Step {
  return { name, values };
}

/** A step that must change a row, or nothing of the write happens. */
export function requiredStep(name: string, values: Row): Step {
  return { name, values, required: true };
}

/** What a column of JSON holds. SQLite does not check long texts: a damaged page may come back as broken JSON. */
export function decodeJson(value: SqlValue | undefined): unknown {
  try {
    return JSON.parse(String(value));
  } catch (error) {
    throw errors.storeUnavailable(error);
  }
}
