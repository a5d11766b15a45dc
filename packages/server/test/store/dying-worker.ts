/** The store's worker, except that it dies of a request for `resp_deadly`. For group-commit.test.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from '../../src/store/sqlite/database.ts';
import type { DatabaseOptions } from '../../src/store/sqlite/database.ts';
import type { Order } from '../../src/store/sqlite/messages.ts';

const database = openDatabase(workerData as DatabaseOptions);

parentPort?.on('message', (order: Order) => {
  if (order.kind === 'close') {
    database.close();
    parentPort?.close();
    return;
  }
  const { operations } = order;
  if (operations.some((operation) => operation.kind === 'read' && operation.statement.values['id'] === 'resp_deadly')) {
    process.exit(1);
  }
  parentPort?.postMessage(database.run(operations));
});
