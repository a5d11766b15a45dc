/** Servers for a demonstration: each in a thread of its own, so that what it does holds up nobody else. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** A server that listens on loopback. */
export interface DemoServer extends AsyncDisposable {
  /** Base URL of its API. */
  readonly url: string;
  readonly model: string;
}

/** Starts a server with these flags of `longwire serve`, on a free port, with nothing stored. Throws what its start throws. */
export async function startDemoServer(flags: readonly string[]): Promise<DemoServer> {
  const always = ['--port', '0', '--host', '127.0.0.1', '--store', 'off'];
  const thread = new Worker(new URL('./server-thread.ts', import.meta.url), { workerData: [...always, ...flags] });
  const [{ url, model }] = (await once(thread, 'message')) as [{ url: string; model: string }];
  // A server that fails later ends its connections: whoever waits for it learns it there.
  thread.on('error', () => {});
  return {
    url,
    model,
    async [Symbol.asyncDispose]() {
      await thread.terminate();
    },
  };
}
