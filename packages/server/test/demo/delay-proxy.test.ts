import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setImmediate as nextRound } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startDelayProxy } from '../../src/cli/delay-proxy.ts';

/** Starts a server that answers `reply` to nothing and closes, or echoes. */
async function listen(onSocket: Parameters<typeof createServer>[1]) {
  const server = createServer({ noDelay: true }, onSocket).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, close: () => server.close() };
}

function dial(url: string) {
  return connect({ port: Number(new URL(url).port), host: '127.0.0.1', noDelay: true });
}

test('bytes come out in the order in which they went in', async () => {
  const echo = await listen((socket) => socket.pipe(socket));
  await using proxy = await startDelayProxy(echo.url, 5);
  const socket = dial(proxy.url);
  const sent = Array.from({ length: 2000 }, (_, index) => `${index};`);
  let received = '';
  const whole = new Promise<void>((resolve, reject) => {
    socket.once('close', () => reject(new Error(`The proxy closed after ${received.length} bytes.`)));
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString();
      if (received.length >= sent.join('').length) resolve();
    });
  });
  for (const piece of sent) {
    socket.write(piece);
    await nextRound();
  }
  await whole;
  socket.destroy();
  echo.close();
  expect(received).toBe(sent.join(''));
});

test('what was sent before the end arrives before it', async () => {
  const bytes = 300_000;
  const server = await listen((socket) => socket.end(Buffer.alloc(bytes)));
  await using proxy = await startDelayProxy(server.url, 20);
  const socket = dial(proxy.url);
  let received = 0;
  socket.on('data', (chunk: Buffer) => void (received += chunk.length));
  await once(socket, 'close');
  server.close();
  expect(received).toBe(bytes);
});
