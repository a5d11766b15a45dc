/** How a server of the benchmark says where it listens, and how it ends. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Listens on a free port of `BENCH_HOST` (loopback by default), prints the URL, and stops at SIGTERM. */
export function announce(server: Server, path = ''): void {
  obeySignals();
  server.listen(0, benchHost(), () => {
    const { address, port } = server.address() as AddressInfo;
    process.stdout.write(`http://${address}:${port}${path}\n`);
  });
}

/** SIGTERM ends the process, SIGUSR2 collects garbage where it runs with `--expose-gc`. */
export function obeySignals(): void {
  process.on('SIGTERM', () => process.exit(0));
  process.on('SIGUSR2', () => globalThis.gc?.());
}

/** The address to listen on: inside a namespace it is the one that the link leads to. */
export function benchHost(): string {
  return process.env['BENCH_HOST'] ?? '127.0.0.1';
}
