import { describe, expect, it } from 'vitest';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer } from '../harness.ts';
import { createEndlessEngine, openSocket } from './sockets.ts';

const mebibyte = 2 ** 20;

describe('a message', () => {
  it('may have 64 MiB, in one frame or in many', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    using socket = await openSocket(server.url);
    const frame = JSON.stringify({
      type: 'response.create',
      model: 'test-model',
      store: false,
      generate: false,
      input: 'x'.repeat(63 * mebibyte),
    });
    socket.send(frame);
    expect((await socket.response()).status).toBe('completed');
    const bytes = Buffer.from(frame);
    for (let at = 0; at < bytes.length; at += mebibyte) {
      const fin = at + mebibyte >= bytes.length;
      socket.socket.send(bytes.subarray(at, at + mebibyte), { binary: false, fin });
    }
    expect((await socket.response()).status).toBe('completed');
    expect(calls.filter((call) => call.kind === 'warm')).toHaveLength(2);
  });

  it.each([
    ['in one frame', 1],
    ['in fragments', 5],
  ])('that is too large %s is answered with an error, and then 1009', async (_how, fragments) => {
    await using server = await startTestServer({ flags: ['--max-frame-bytes', '2048'] });
    using socket = await openSocket(server.url);
    const bytes = Buffer.alloc(1000 * fragments + 1500, 'x');
    for (let sent = 0; sent < fragments; sent++) {
      const part = bytes.subarray((sent * bytes.length) / fragments, ((sent + 1) * bytes.length) / fragments);
      socket.socket.send(part, { binary: false, fin: sent === fragments - 1 });
    }
    expect(await socket.error()).toEqual({
      type: 'error',
      status: 413,
      sequence_number: 0,
      error: {
        type: 'invalid_request_error',
        code: 'websocket_message_too_large',
        message: 'The message exceeds the limit of 2048 bytes. Send less, or send it over HTTP.',
        param: null,
      },
    });
    await expect(socket.next()).rejects.toThrow('1009 message too large');
  });

  it('that is too large fails the turns that run, and the error comes last', async () => {
    const { engine } = createEndlessEngine('more ');
    await using server = await startTestServer({ engines: [engine], flags: ['--max-frame-bytes', '2048'] });
    using socket = await openSocket(server.url);
    socket.create({ stream_id: 'a' });
    await socket.next();
    socket.create({ input: 'x'.repeat(4096) });
    const lane = await socket.turn('a');
    expect(lane.at(-1)).toMatchObject({ type: 'response.failed', response: { error: { code: 'server_error' } } });
    expect((await socket.error()).error.code).toBe('websocket_message_too_large');
    await expect(socket.next()).rejects.toThrow('1009');
  });

  it('that is malformed fails the turns that run, and the close says why', async () => {
    const { engine } = createEndlessEngine('more ');
    await using server = await startTestServer({ engines: [engine] });
    using socket = await openSocket(server.url);
    socket.create({});
    await socket.next();
    const { _socket: stream } = socket.socket as unknown as { _socket: { write(bytes: Buffer): void } };
    stream.write(Buffer.from([0x81, 0x01, 0x20]));
    expect((await socket.turn()).at(-1)).toMatchObject({ type: 'response.failed' });
    await expect(socket.next()).rejects.toThrow('1002 Invalid WebSocket frame: MASK must be set');
  });
});
