/** Sockets with a handshake and nothing else: a client that stays small beside the server that it measures. */
import { connect, type Socket } from 'node:net';

/** Open sockets, closed when it is disposed of. */
export interface IdleSockets extends Disposable {
  /** Opens more until there are `count`. Throws when the server refuses a handshake. */
  grow(count: number): Promise<void>;
}

/** To a WebSocket server, a few handshakes at a time. */
export function openSockets(url: string, path: string, concurrency: number): IdleSockets {
  const sockets: Socket[] = [];
  return {
    async grow(count) {
      while (sockets.length < count) {
        const batch = Array.from({ length: Math.min(count - sockets.length, concurrency) }, () => open(url, path));
        sockets.push(...(await Promise.all(batch)));
      }
    },
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function open(url: string, path: string): Promise<Socket> {
  const { hostname, port, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    socket.once('error', reject);
    socket.once('data', (data: Buffer) => {
      if (data.toString('latin1').startsWith('HTTP/1.1 101')) resolve(socket);
      else reject(new Error(`The handshake was refused: ${data.toString('latin1', 0, 100)}`));
    });
    const key = Buffer.alloc(16, 7).toString('base64');
    const lines = [`GET ${path} HTTP/1.1`, `host: ${host}`, 'upgrade: websocket', 'connection: upgrade'];
    socket.write([...lines, `sec-websocket-key: ${key}`, 'sec-websocket-version: 13', '', ''].join('\r\n'));
  });
}
