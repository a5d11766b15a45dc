/** Fails every operation with the number of operations in its batch. For group-commit.test.ts. */
import { parentPort } from 'node:worker_threads';
import type { Order, Report } from '../../src/store/sqlite/messages.ts';

parentPort?.on('message', (order: Order) => {
  if (order.kind === 'close') {
    parentPort?.close();
    return;
  }
  const { operations } = order;
  const report: Report = operations.map(() => ({ kind: 'failed', reason: `batch of ${operations.length}` }));
  parentPort?.postMessage(report);
});
