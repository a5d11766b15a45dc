/**
 * Group commit: while one batch is being written, the operations that arrive wait, and then go as one batch together.
 * A lone operation goes at once; under load one flush to the disk serves hundreds.
 */
import { Worker } from 'node:worker_threads';
import { errors } from '@longwire/protocol';
import type { DatabaseOptions } from './database.ts';
import type { Done, Executor } from './executor.ts';
import type { Operation, Order, Report } from './messages.ts';

interface Waiting {
  readonly operation: Operation;
  readonly resolve: (done: Done) => void;
  readonly reject: (error: Error) => void;
}

/** A worker thread for the file. One that dies rejects the batch it had; the next batch starts another. */
export function createGroupCommit(
  options: DatabaseOptions,
  script = new URL('./worker.ts', import.meta.url),
): Executor {
  let worker: Worker | null = null;
  let waiting: Waiting[] = [];
  let batch: Waiting[] = [];
  let closed: Promise<void> | null = null;
  let whenIdle: (() => void) | null = null;

  function start(): Worker {
    const started = new Worker(script, {
      name: 'store',
      workerData: options,
      // node:sqlite warns that it is experimental; nobody who runs a server can do anything about that.
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    let cause = new Error('The store thread ended.');
    started.on('message', (report: Report) => settle(report));
    started.on('error', (error) => (cause = error));
    started.on('exit', () => {
      worker = null;
      settle(batch.map(() => ({ kind: 'failed', reason: cause.message })));
    });
    return started;
  }

  function send(): void {
    if (batch.length > 0 || waiting.length === 0) return;
    [batch, waiting] = [waiting, []];
    worker ??= start();
    post(worker, { kind: 'batch', operations: batch.map(({ operation }) => operation) });
  }

  function settle(report: Report): void {
    const settled = batch;
    batch = [];
    // An idle store does not keep the process alive; one that owes an answer does.
    worker?.unref();
    for (const [index, { resolve, reject }] of settled.entries()) {
      const outcome = report[index];
      if (outcome?.kind === 'done') resolve(outcome);
      else reject(errors.storeUnavailable(new Error(outcome?.reason)));
    }
    send();
    if (batch.length === 0) whenIdle?.();
  }

  async function finish(): Promise<void> {
    if (batch.length + waiting.length > 0) await new Promise<void>((resolve) => (whenIdle = resolve));
    const last = worker;
    if (last === null) return;
    const ended = new Promise((resolve) => last.once('exit', resolve));
    post(last, { kind: 'close' });
    await ended;
  }

  return {
    run(operation) {
      if (closed !== null) return Promise.reject(errors.storeUnavailable(new Error('The store is closed.')));
      return new Promise((resolve, reject) => {
        // Later in this tick others may join: their batch is this one.
        if (waiting.length === 0) queueMicrotask(send);
        waiting.push({ operation, resolve, reject });
      });
    },
    close: () => (closed ??= finish()),
  };
}

function post(worker: Worker, order: Order): void {
  worker.ref();
  worker.postMessage(order);
}
