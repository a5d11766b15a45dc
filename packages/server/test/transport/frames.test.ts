import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { takeFrameBuffer } from '../../src/transport/frames.ts';

describe('frames', () => {
  it('are read by a WebSocket as the texts that they were, at every length of header', async () => {
    const texts = [
      '',
      'a',
      'é'.repeat(62),
      'x'.repeat(125),
      'x'.repeat(126),
      '\u{1f600}'.repeat(16_384),
      'y'.repeat(65_536),
      'z'.repeat(125) + 'é',
      'end',
    ];
    const frames = takeFrameBuffer();
    for (const text of texts) frames.text(text);
    // The same where the length is not known before.
    for (const text of texts) {
      const at = frames.open(3 * text.length);
      frames.close(at + frames.memory.write(text, at));
    }
    const server = createServer();
    const sockets = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request, stream, head) => {
      sockets.handleUpgrade(request, stream, head, () => stream.write(frames.bytes));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const received: string[] = [];
    const all = Promise.withResolvers<void>();
    socket.on('message', (data: Buffer) => {
      if (received.push(data.toString()) === 2 * texts.length) all.resolve();
    });
    await all.promise;
    socket.terminate();
    server.close();
    expect(received).toEqual([...texts, ...texts]);
  });

  it('are written into memory that was given back, and into none that is still read', () => {
    const first = takeFrameBuffer();
    first.text('one');
    const second = takeFrameBuffer();
    expect(second).not.toBe(first);
    first.giveBack();
    const third = takeFrameBuffer();
    expect(third).toBe(first);
    expect(third.length).toBe(0);
    second.giveBack();
    third.giveBack();
  });
});
