import { once } from 'node:events';
import { Duplex } from 'node:stream';
import type { KnownEvent } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { Outbox } from '../../src/transport/outbox.ts';
import { startTestServer, type Frame } from '../harness.ts';
import { createEndlessEngine, openSocket } from './sockets.ts';

/** A stream whose reader takes one chunk whenever the test says so. */
class Reader extends Duplex {
  #take: (() => void) | null = null;

  constructor() {
    super({ writableHighWaterMark: 16_384 });
  }

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: unknown, taken: () => void): void {
    this.#take = taken;
  }

  override _writev(_chunks: unknown, taken: () => void): void {
    this.#take = taken;
  }

  /** Reads all that waits. */
  async readAll(): Promise<void> {
    const drained = once(this, 'drain');
    while (this.#take) {
      const take = this.#take;
      this.#take = null;
      take();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await drained;
  }
}

const events: KnownEvent[] = Array.from({ length: 100 }, (_, sequence_number) => ({
  type: 'response.output_text.delta',
  item_id: 'msg_0',
  output_index: 0,
  content_index: 0,
  delta: 'x'.repeat(1000),
  logprobs: [],
  sequence_number,
}));

function createOutbox(deadlineMs: number, limitBytes = 20_000) {
  const stream = new Reader();
  const written: Buffer[] = [];
  const write = stream.write.bind(stream);
  stream.write = (frames: Buffer) => {
    written.push(frames);
    return write(frames);
  };
  const socket = { OPEN: 1, readyState: 1 };
  const outbox = new Outbox(socket as unknown as WebSocket, stream, { limitBytes, deadlineMs });
  return {
    outbox,
    stream,
    sent: () => readTexts(Buffer.concat(written)),
    /** Bytes of memory that what was written keeps alive. */
    heldBytes: () => [...new Set(written.map(({ buffer }) => buffer))].reduce((sum, each) => sum + each.byteLength, 0),
  };
}

/** The texts of frames whose payloads take a length of two bytes. */
function readTexts(frames: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < frames.length;) {
    expect([frames[at], frames[at + 1]]).toEqual([0x81, 126]);
    const end = at + 4 + frames.readUInt16BE(at + 2);
    texts.push(frames.toString('utf8', at + 4, end));
    at = end;
  }
  return texts;
}

describe('an outbox', () => {
  it('holds the limit and one event, however large the batch, and goes on when the reader has read', async () => {
    const { outbox, stream, sent } = createOutbox(60_000);
    const written = outbox.write(null, events);
    expect(stream.writableLength).toBeGreaterThan(20_000);
    expect(stream.writableLength).toBeLessThan(22_000);
    expect(outbox.isFull).toBe(true);
    while (sent().length < events.length) await stream.readAll();
    expect(await written).toBe(true);
    expect(outbox.isFull).toBe(false);
    expect(sent().map((text) => (JSON.parse(text) as Frame).sequence_number)).toEqual(events.map((_, index) => index));
  });

  it('holds hardly more memory than what waits, however small the writes', async () => {
    const { outbox, stream, sent, heldBytes } = createOutbox(60_000, 2 ** 20);
    for (const event of events) {
      expect(outbox.write(null, [event])).toBe(true);
      outbox.flush();
    }
    // The first write has a whole buffer, and short pieces share what Node takes them from.
    expect(heldBytes()).toBeLessThan(2 * stream.writableLength + 2 ** 17);
    expect(sent()).toHaveLength(events.length);
  });

  it('does not wait for a drain that its stream would never report', async () => {
    const { outbox, stream } = createOutbox(60_000, 5000);
    expect(await outbox.write(null, events.slice(0, 10))).toBe(true);
    outbox.flush();
    expect(stream.writableLength).toBeGreaterThan(5000);
  });

  it('says that the reader was too slow', async () => {
    const { outbox } = createOutbox(10);
    expect(await outbox.write(null, events.slice(0, 30))).toBe(false);
  });

  it('waits no longer once it hurries, and says all the same', async () => {
    const { outbox, sent } = createOutbox(60_000);
    const written = outbox.write('lane', events);
    outbox.hurry();
    expect(await written).toBe(true);
    outbox.flush();
    expect(sent()).toHaveLength(events.length);
    expect(sent().every((text) => text.endsWith(',"stream_id":"lane"}'))).toBe(true);
  });
});

describe('a reader that stalls', () => {
  it('stops the engine, and is closed with 1013 after its deadline; its turn ends before that', async () => {
    const text = 'x'.repeat(64 * 1024);
    const endless = createEndlessEngine(text);
    await using server = await startTestServer({
      engines: [endless.engine],
      flags: ['--outbound-limit-bytes', '65536', '--slow-reader-ms', '1000'],
    });
    using socket = await openSocket(server.url);
    socket.create({});
    await socket.next();
    socket.socket.pause();
    // Nobody reads: the generation ends because the server gives up on the reader.
    await endless.ended;
    // What the system buffers on loopback, and a little of ours; unbounded it would be thousands.
    expect(endless.pulled).toBeLessThan(400);
    const { pulled } = endless;
    socket.socket.resume();
    const frames = await socket.turn();
    expect(frames.at(-1)).toMatchObject({ type: 'response.failed', response: { error: { code: 'server_error' } } });
    const deltas = frames.filter((frame) => frame.type === 'response.output_text.delta');
    expect(pulled - deltas.length).toBeLessThanOrEqual(2);
    await expect(socket.next()).rejects.toThrow('1013 client reads too slowly');
  });
});
