/**
 * A link as arithmetic, for machines without root: bytes are held for half a round trip, a connection costs one more, and no more is on the
 * way than TCP's congestion window lets out. No TLS, no loss, no limit of bandwidth: its figures are marked as a model.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { CongestionWindow } from './congestion-window.ts';

/** A proxy that delays. */
export interface DelayProxy extends AsyncDisposable {
  readonly url: string;
}

/** Starts a proxy to a server. The URL keeps the server's path. Silences count as `pauseMs` longer than they are (`CongestionWindow`). */
export async function startDelayProxy(target: string, rttMs: number, pauseMs = 0): Promise<DelayProxy> {
  const { hostname, port, pathname } = new URL(target);
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (outside) => {
    const inside = connect({ host: hostname, port: Number(port), noDelay: true });
    for (const socket of [outside, inside]) {
      open.add(socket);
      socket.on('error', () => {}).on('close', () => open.delete(socket));
    }
    // The connection was made here at once: its round trip is paid by the first bytes, in front of their own way.
    delay(outside, inside, new CongestionWindow(rttMs, pauseMs), rttMs, 1.5 * rttMs);
    delay(inside, outside, new CongestionWindow(rttMs, pauseMs), rttMs, 0);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname.replace(/\/$/, '')}`,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

function delay(from: Socket, to: Socket, window: CongestionWindow, rttMs: number, firstMs: number): void {
  const later = createQueue(performance.now() + firstMs);
  const unsent: Buffer[] = [];
  let isOver = false;

  const pump = (): void => {
    const now = performance.now();
    for (let next = unsent[0]; next !== undefined; next = unsent[0]) {
      const bytes = window.send(next.length, now);
      if (bytes === 0) return;
      const piece = next.subarray(0, bytes);
      if (bytes === next.length) unsent.shift();
      else unsent[0] = next.subarray(bytes);
      later(now + rttMs / 2, () => to.writable && to.write(piece));
      setTimeout(() => {
        window.acknowledge(bytes);
        pump();
      }, rttMs);
    }
    if (isOver) later(now + rttMs / 2, () => to.destroySoon());
  };

  from.on('data', (chunk: Buffer) => {
    if (unsent.length === 0) window.wake(performance.now());
    unsent.push(chunk);
    pump();
  });
  from.on('close', () => {
    isOver = true;
    pump();
  });
}

/** Does things once they are due, and none before those that it was given earlier: two timers of a millisecond keep no order. */
function createQueue(freeAtMs: number): (dueMs: number, act: () => void) => void {
  const queue: { readonly dueMs: number; readonly act: () => void }[] = [];
  let newestMs = freeAtMs;
  const release = (): void => {
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      const leftMs = next.dueMs - performance.now();
      if (leftMs > 0) return void setTimeout(release, leftMs);
      queue.shift();
      next.act();
    }
  };
  return (dueMs, act) => {
    newestMs = Math.max(newestMs, dueMs);
    queue.push({ dueMs: newestMs, act });
    if (queue.length === 1) setTimeout(release, Math.max(0, newestMs - performance.now()));
  };
}
