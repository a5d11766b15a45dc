/** An executor whose operations are counted: what callers wait for, the wait for their batch included. */
import type { StoreMeter } from '../../observe/store-meter.ts';
import type { Executor } from './executor.ts';

/** The same executor, counted. */
export function createMeteredExecutor(executor: Executor, meter: StoreMeter): Executor {
  return {
    async run(operation) {
      const startedMs = performance.now();
      let isDone = false;
      try {
        const done = await executor.run(operation);
        isDone = true;
        return done;
      } finally {
        meter.operated(operation.kind, performance.now() - startedMs, isDone);
      }
    },
    close: () => executor.close(),
  };
}
