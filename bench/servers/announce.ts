/** How a server of the benchmark says where it listens, and how it ends. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Memory } from '../child.ts';

/** Listens on a free port of `BENCH_HOST` (loopback by default), prints the URL, and stops at SIGTERM. */
export function announce(server: Server, path = ''): void {
  obeySignals();
  server.listen(0, benchHost(), () => {
    const { address, port } = server.address() as AddressInfo;
    process.stdout.write(`http://${address}:${port}${path}\n`);
  });
}

/** SIGTERM ends the process; a message of the parent is answered with the memory that is held (`Child.memory`). */
export function obeySignals(): void {
  process.on('SIGTERM', () => process.exit(0));
  process.on('message', () => void collect().then((memory) => process.send?.(memory)));
}

/** What is left once everything that can go has gone: the collector needs a few turns of the loop for buffers. */
async function collect(): Promise<Memory> {
  for (let round = 0; round < 6; round++) {
    globalThis.gc?.();
    await sleep(50);
  }
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { resident: rss, alive: heapUsed + arrayBuffers };
}

/** The address to listen on: inside a namespace it is the one that the link leads to. */
export function benchHost(): string {
  return process.env['BENCH_HOST'] ?? '127.0.0.1';
}
