/** The worker thread: the only one that touches the file, so that no turn ever waits for a disk. */
import { parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from './database.ts';
import type { Database, DatabaseOptions } from './database.ts';
import type { Operation, Order, Outcome, Report } from './messages.ts';

const port = parentPort;
if (port === null) throw new Error('This file runs in a worker thread.');
const options = workerData as DatabaseOptions;
let database: Database | null = null;

port.on('message', (order: Order) => {
  switch (order.kind) {
    case 'batch':
      port.postMessage(run(order.operations));
      return;
    case 'close':
      letGo();
      port.close();
      return;
  }
});

function run(operations: readonly Operation[]): Report {
  try {
    database ??= openDatabase(options);
    return database.run(operations);
  } catch (error) {
    // The next batch opens the file anew: somebody may have freed, restored or mounted something meanwhile.
    letGo();
    const reason = error instanceof Error ? error.message : String(error);
    return operations.map((): Outcome => ({ kind: 'failed', reason }));
  }
}

function letGo(): void {
  const connection = database;
  database = null;
  try {
    connection?.close();
  } catch {
    // A broken file cannot be closed properly either, and there is nothing left to do with it.
  }
}
