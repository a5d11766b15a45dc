import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { MessageInflater } from '../../src/transport/deflate.ts';
import { ServerSocket } from '../../src/transport/server-socket.ts';

/** What `server-socket.ts` relies on in `ws`, one by one: a new version that differs must fail here first. */
describe('a server socket', () => {
  const server = createServer();
  const sockets = new WebSocketServer<typeof ServerSocket>({
    noServer: true,
    perMessageDeflate: true,
    maxPayload: 1000,
    WebSocket: ServerSocket,
  });
  let ours: ServerSocket;
  let client: WebSocket;

  beforeEach(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const opened = new Promise<ServerSocket>((resolve) => {
      server.once('upgrade', (request, stream, head) => sockets.handleUpgrade(request, stream, head, resolve));
    });
    client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    ours = await opened;
    await once(client, 'open');
  });

  afterEach(async () => {
    client.terminate();
    server.close();
    await once(server, 'close');
  });

  it('has its own inflater in the receiver, with the limit of the server', () => {
    const { _receiver } = ours as unknown as { _receiver: { _extensions: Record<string, unknown> } };
    const inflater = _receiver._extensions['permessage-deflate'];
    expect(inflater).toBeInstanceOf(MessageInflater);
    expect((inflater as MessageInflater).params).toEqual({});
  });

  it('stays open after a frame that it cannot take, with the code at hand when the error comes', async () => {
    client.send('x'.repeat(1001), { compress: false });
    const [error] = (await once(ours, 'error')) as [Error];
    expect(error.message).toContain('size');
    expect(ours.refusedWith).toBe(1009);
    expect(ours.readyState).toBe(ours.OPEN);
    ours.send('why', { compress: false });
    ours.close(1009, 'too large');
    const message = once(client, 'message');
    const closed = once(client, 'close');
    expect(String((await message)[0])).toBe('why');
    expect((await closed).map(String)).toEqual(['1009', 'too large']);
  });

  it.each([
    [[0xc1, 0x83, 0, 0, 0, 0, 0xff, 0xff, 0xff], 1007],
    [[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], 1007],
    [[0x83, 0x80, 0, 0, 0, 0], 1002],
  ])('notes the code for the bytes %j: %i', async (bytes, code) => {
    (client as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(Buffer.from(bytes));
    await once(ours, 'error');
    expect(ours.refusedWith).toBe(code);
    expect(ours.readyState).toBe(ours.OPEN);
  });

  it.each([
    [undefined, undefined, 1005],
    [1000, undefined, 1000],
    [1009, undefined, 1009],
    [4000, 'bye', 4000],
  ])("answers the peer's close %s %s", async (code, reason, seen) => {
    const closed = once(ours, 'close');
    client.close(code, reason);
    expect((await closed)[0]).toBe(seen);
    expect(ours.refusedWith).toBeNull();
  });
});
