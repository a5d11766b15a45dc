/** Peers that vanish without a word (G15): how long a server keeps their connections. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChaosProxy } from '../../packages/server/src/chaos/proxy.ts';
import { openSocket, takeTurn } from '../socket-turn.ts';

/** Between two of them: they vanish at different moments between two pings. */
const staggerMs = 700;

/** Lets that many vanish, one after the other. For each, milliseconds from its last byte to the end of the server's side. */
export async function measureDeadPeers(url: string, model: string, count: number): Promise<number[]> {
  return await Promise.all(Array.from({ length: count }, (_, peer) => vanish(url, model, peer * staggerMs)));
}

async function vanish(url: string, model: string, afterMs: number): Promise<number> {
  await sleep(afterMs);
  let lastMs = 0;
  const gone = Promise.withResolvers<void>();
  await using proxy = await startChaosProxy({
    target: new URL(url),
    judge: ({ direction }) => {
      if (direction === 'up') lastMs = performance.now();
      return null;
    },
    changed: () => {
      if (proxy.connections.some(({ status, hasServer }) => status === 101 && !hasServer)) gone.resolve();
    },
  });
  const socket = await openSocket(proxy.url);
  await takeTurn(socket, { model, input: 'Go.' });
  // What came last from the client; the server takes it and says nothing.
  socket.send(JSON.stringify({ type: 'response.processed', response_id: 'resp_bench' }));
  const pong = once(socket, 'pong');
  socket.ping();
  await pong;
  await proxy.breakAll({ kind: 'stall' });
  await gone.promise;
  socket.terminate();
  return performance.now() - lastMs;
}
