/** A store in this process: the same SQL, no file and no worker thread. */
import { errors } from '@longwire/protocol';
import type { StoreMeter } from '../../observe/store-meter.ts';
import { openDatabase } from '../sqlite/database.ts';
import type { Executor } from '../sqlite/executor.ts';
import { createStore } from '../sqlite/sqlite.ts';
import type { Store } from '../store.ts';

/** A store that keeps what the contract says, except that nothing survives the process. `meter`: who counts its operations. */
export function createMemoryStore(meter: StoreMeter | null = null): Store {
  return createStore(createMemoryExecutor(), meter);
}

function createMemoryExecutor(): Executor {
  const database = openDatabase({ path: ':memory:', lockTimeoutMs: 0, maxBytes: null });
  let closed = false;
  return {
    async run(operation) {
      if (closed) throw errors.storeUnavailable(new Error('The store is closed.'));
      const [outcome] = database.run([operation]);
      if (outcome?.kind === 'done') return outcome;
      throw errors.storeUnavailable(new Error(outcome?.reason));
    },
    async close() {
      if (!closed) database.close();
      closed = true;
    },
  };
}
