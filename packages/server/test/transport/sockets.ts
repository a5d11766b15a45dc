/** Sockets for tests of the transport: with or without compression, and engines that never end. */
import type { ClientOptions } from 'ws';
import type { Engine, EngineEvent } from '../../src/engine/engine.ts';
import { TestSocket } from '../harness.ts';

/** Opens a socket with options of `ws`; without compression, unless they ask for it. */
export function openSocket(url: string, options: ClientOptions = {}): Promise<TestSocket> {
  const all = { perMessageDeflate: false, headers: {}, ...options };
  return TestSocket.open(url, all);
}

/** What an endless engine has done. */
export interface EndlessEngine {
  readonly engine: Engine;
  /** Batches that were taken from it. */
  readonly pulled: number;
  /** Resolves when its generation has ended. */
  readonly ended: Promise<void>;
}

/** An engine, model `test-model`, that says a text again and again as fast as it is read. */
export function createEndlessEngine(text: string): EndlessEngine {
  const ended = Promise.withResolvers<void>();
  let pulled = 0;
  async function* generate(_request: unknown, signal: AbortSignal): AsyncGenerator<readonly EngineEvent[]> {
    try {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        signal.throwIfAborted();
        pulled++;
        yield [{ type: 'text.delta', delta: text }];
      }
    } finally {
      ended.resolve();
    }
  }
  const engine: Engine<object> = {
    name: 'endless',
    models: async () => [{ id: 'test-model', created: 0, ownedBy: 'test' }],
    extend: () => ({}),
    generate,
    release: () => {},
    close: async () => {},
  };
  return {
    engine: engine as Engine,
    get pulled() {
      return pulled;
    },
    ended: ended.promise,
  };
}
