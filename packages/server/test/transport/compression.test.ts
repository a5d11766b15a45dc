import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer } from '../harness.ts';
import { openSocket } from './sockets.ts';

const compressing = { perMessageDeflate: { threshold: 0 } };

async function startEcho(flags: readonly string[] = []) {
  return startTestServer({ engines: [createEchoEngine().engine], flags });
}

function textOf(response: { output: readonly object[] }): string {
  const [message] = response.output as { content: { text: string }[] }[];
  return message?.content[0]?.text ?? '';
}

describe('permessage-deflate', () => {
  it('is agreed on when the client offers it, and only then', async () => {
    await using server = await startEcho();
    using plain = await openSocket(server.url);
    expect(plain.socket.extensions).toBe('');
    using socket = await openSocket(server.url, compressing);
    expect(socket.socket.extensions).toBe('permessage-deflate');
  });

  it('takes every message as it was sent: pipelined, large, uncompressed in between, and in fragments', async () => {
    await using server = await startEcho();
    using socket = await openSocket(server.url, compressing);
    const inputs = [
      'a',
      'b'.repeat(70_000),
      'c',
      'é🙂'.repeat(30_000),
      'b'.repeat(70_000),
      'd',
      'z'.repeat(2 ** 20),
      'e',
    ];
    for (const [index, input] of inputs.entries()) {
      const frame = JSON.stringify({ type: 'response.create', model: 'test-model', store: false, input });
      if (index % 3 === 0) {
        for (let at = 0; at < 3; at++) {
          const part = Buffer.from(frame).subarray(at * 4, at === 2 ? undefined : at * 4 + 4);
          socket.socket.send(part, { binary: false, fin: at === 2 });
        }
      } else {
        socket.socket.send(frame, { compress: index !== 2 });
      }
    }
    for (const input of inputs) expect(textOf(await socket.response()) === `user:${input}`).toBe(true);
  });

  it('answers an empty message with an error, and reads on', async () => {
    await using server = await startEcho();
    using socket = await openSocket(server.url, compressing);
    for (let time = 0; time < 2; time++) {
      socket.send('');
      expect((await socket.error()).error.code).toBe('invalid_json');
      socket.create({ input: 'Hi.' });
      expect(textOf(await socket.response())).toBe('user:Hi.');
    }
  });

  it('sends uncompressed', async () => {
    await using server = await startEcho();
    using socket = await openSocket(server.url, compressing);
    socket.create({ input: 'word '.repeat(10_000) });
    const response = await socket.response();
    const { bytesRead } = (socket.socket as unknown as { _socket: { bytesRead: number } })._socket;
    expect(bytesRead).toBeGreaterThan(2 * JSON.stringify(response.output).length);
  });

  it('refuses a message that would inflate beyond the limit', async () => {
    await using server = await startEcho(['--max-frame-bytes', '1000000']);
    using socket = await openSocket(server.url, compressing);
    socket.create({ input: 'x'.repeat(50_000_000) });
    expect(await socket.error()).toMatchObject({ status: 413, error: { code: 'websocket_message_too_large' } });
    await expect(socket.next()).rejects.toThrow('1009');
  });

  it('closes with 1007 when the bytes are no deflate', async () => {
    await using server = await startEcho();
    using socket = await openSocket(server.url, compressing);
    const { _socket: stream } = socket.socket as unknown as { _socket: { write(bytes: Buffer): void } };
    stream.write(Buffer.from([0xc1, 0x83, 0, 0, 0, 0, 0xff, 0xff, 0xff]));
    await expect(socket.next()).rejects.toThrow('1007');
  });

  it.each([
    'permessage-deflate',
    'permessage-deflate; client_max_window_bits',
    'permessage-deflate; client_max_window_bits=9',
  ])('takes the offer "%s"', async (offer) => {
    await using server = await startEcho();
    using socket = await openSocket(server.url, {
      perMessageDeflate: { threshold: 0, ...(offer.includes('=9') && { clientMaxWindowBits: 9 }) },
    });
    for (let turn = 0; turn < 3; turn++) {
      socket.create({ input: 'the same again '.repeat(3000) });
      expect(textOf(await socket.response())).toBe(`user:${'the same again '.repeat(3000)}`);
    }
  });

  it('refuses a bomb in fragments while it is still small', async () => {
    await using server = await startEcho(['--max-frame-bytes', '100000']);
    using socket = await openSocket(server.url, compressing);
    const bomb = deflateRawSync(Buffer.alloc(60_000_000));
    const { _socket: stream } = socket.socket as unknown as { _socket: { write(bytes: Buffer): void } };
    const half = Math.floor(bomb.length / 2);
    for (const [opcode, part] of [
      [0x41, bomb.subarray(0, half)],
      [0x80, bomb.subarray(half)],
    ] as const) {
      const head = Buffer.from([opcode, 0x80 | 126, 0, 0, 0, 0, 0, 0]);
      head.writeUInt16BE(part.length, 2);
      stream.write(Buffer.concat([head, part]));
    }
    expect((await socket.error()).error.code).toBe('websocket_message_too_large');
    await expect(socket.next()).rejects.toThrow('1009');
  });
});
