/** A TCP proxy whose connections the test can cut, all at once. */
import net, { type AddressInfo } from 'node:net';

export interface CuttableProxy extends AsyncDisposable {
  /** The target's base URL, through the proxy. */
  readonly url: string;
  /** Connections made so far. */
  readonly connections: number;
  cut(): void;
}

export async function startProxy(targetUrl: string): Promise<CuttableProxy> {
  const { port, hostname } = new URL(targetUrl);
  const pairs = new Set<net.Socket>();
  let connections = 0;
  const server = net.createServer((near) => {
    connections++;
    const far = net.connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      pairs.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        pairs.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: targetUrl.replace(port, String((server.address() as AddressInfo).port)),
    get connections() {
      return connections;
    },
    cut: () => {
      for (const socket of pairs) socket.resetAndDestroy();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of pairs) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
