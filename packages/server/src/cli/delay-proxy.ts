/**
 * A link as arithmetic, for machines without root: bytes are held for half a round trip, a connection costs one more, and what exceeds TCP's
 * window waits for the rounds that slow start takes. No TLS, no loss, no real congestion control: its figures are marked as a model.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A proxy that delays. */
export interface DelayProxy extends AsyncDisposable {
  readonly url: string;
}

/** Ten segments of 1,460 bytes: what TCP sends before it hears from the other side. */
export const initialWindowBytes = 14_600;

/** How much later the last byte of a burst arrives than the first, in round trips: 0 for what fits the window. */
export function slowStartRounds(burstBytes: number, windowBytes: number): number {
  return Math.max(0, Math.ceil(Math.log2(burstBytes / windowBytes + 1)) - 1);
}

/** Starts a proxy to a server. The URL keeps the server's path. */
export async function startDelayProxy(target: string, rttMs: number): Promise<DelayProxy> {
  const { hostname, port, pathname } = new URL(target);
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (outside) => {
    const inside = connect({ host: hostname, port: Number(port), noDelay: true });
    for (const socket of [outside, inside]) {
      open.add(socket);
      socket.on('error', () => {}).on('close', () => open.delete(socket));
    }
    // The connection was made here at once: its round trip is paid with the first bytes.
    delay(outside, inside, rttMs, rttMs);
    delay(inside, outside, rttMs, 0);
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

function delay(from: Socket, to: Socket, rttMs: number, firstMs: number): void {
  const hold = createHold(performance.now() + firstMs);
  let windowBytes = initialWindowBytes;
  let burstBytes = 0;
  let lastMs = -Infinity;
  from.on('data', (chunk: Buffer) => {
    const now = performance.now();
    const pauseMs = now - lastMs;
    lastMs = now;
    if (pauseMs > rttMs) {
      // After a pause of a retransmission time-out TCP begins anew; what it has learned lasts that long.
      windowBytes = pauseMs > Math.max(200, 2 * rttMs) ? initialWindowBytes : Math.max(windowBytes, burstBytes);
      burstBytes = 0;
    }
    burstBytes += chunk.length;
    const dueMs = now + rttMs / 2 + slowStartRounds(burstBytes, windowBytes) * rttMs;
    hold(dueMs, () => to.writable && to.write(chunk));
  });
  from.on('close', () => hold(performance.now() + rttMs / 2, () => to.destroySoon()));
}

/** Does things once they are due, and never before what it was given earlier: two timers of the same millisecond keep no order. */
function createHold(freeAtMs: number): (dueMs: number, act: () => void) => void {
  const held: { readonly dueMs: number; readonly act: () => void }[] = [];
  let newestMs = freeAtMs;
  const release = (): void => {
    for (let next = held[0]; next !== undefined; next = held[0]) {
      const leftMs = next.dueMs - performance.now();
      if (leftMs > 0) return void setTimeout(release, leftMs);
      held.shift();
      next.act();
    }
  };
  return (dueMs, act) => {
    newestMs = Math.max(newestMs, dueMs);
    held.push({ dueMs: newestMs, act });
    if (held.length === 1) setTimeout(release, newestMs - performance.now());
  };
}
