import { randomBytes } from 'node:crypto';
import { constants, createDeflateRaw, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageInflater, type DeflateParams } from '../../src/transport/deflate.ts';

/** A client's compressor: one deflate stream for all messages, flushed after each. */
function createClient(resetEach = false) {
  const stream = createDeflateRaw();
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return (message: Buffer) =>
    new Promise<Buffer>((resolve) => {
      stream.write(message);
      stream.flush(constants.Z_SYNC_FLUSH, () => {
        const compressed = Buffer.concat(chunks.splice(0));
        if (resetEach) stream.reset();
        resolve(compressed.subarray(0, -4));
      });
    });
}

function createInflater(params: DeflateParams = {}, maxBytes = 2 ** 26) {
  const inflater = new MessageInflater(params, maxBytes);
  const feed = (fragment: Buffer, isLast: boolean) =>
    new Promise<Buffer>((resolve, reject) => {
      inflater.decompress(fragment, isLast, (error, text) =>
        error ? reject(error) : resolve(text ?? Buffer.alloc(0)),
      );
    });
  return { inflater, feed };
}

/** Text that repeats itself, as requests do, in sizes on both sides of the window. */
const message = fc
  .tuple(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constantFrom(0, 1, 3, 40, 900, 4000))
  .map(([text, times]) => Buffer.from(text.repeat(times)));

describe('a message inflater', () => {
  it('reads what one deflate stream wrote, byte by byte, whatever the messages and their fragments', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(message, fc.nat(3)), { maxLength: 12 }), async (messages) => {
        const compress = createClient();
        const { feed } = createInflater();
        for (const [text, cuts] of messages) {
          // A flush of nothing writes nothing: what a client then sends is one empty block.
          const compressed = text.length > 0 ? await compress(text) : Buffer.from([0]);
          const size = Math.ceil(compressed.length / (cuts + 1));
          for (let cut = 0; cut < cuts; cut++) {
            expect(await feed(compressed.subarray(cut * size, (cut + 1) * size), false)).toHaveLength(0);
          }
          expect((await feed(compressed.subarray(cuts * size), true)).equals(text)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('reads a message that refers back as far as deflate can', async () => {
    const compress = createClient();
    const { feed } = createInflater();
    const tools = randomBytes(32_000);
    const first = await compress(tools);
    expect(await feed(first, true)).toEqual(tools);
    const again = await compress(tools);
    expect(again.length).toBeLessThan(first.length / 10);
    expect(await feed(again, true)).toEqual(tools);
  });

  it('inflates large messages in the thread pool, and keeps their window', async () => {
    const compress = createClient();
    const { feed } = createInflater();
    const large = Buffer.from(Array.from({ length: 400_000 }, (_, index) => `${index};`).join(''));
    expect((await feed(await compress(large), true)).equals(large)).toBe(true);
    const tail = large.subarray(-20_000);
    const compressed = await compress(tail);
    expect(compressed.length).toBeLessThan(1000);
    expect((await feed(compressed, true)).equals(tail)).toBe(true);
  });

  it('keeps no window where the client keeps none', async () => {
    const compress = createClient(true);
    const { feed } = createInflater({ client_no_context_takeover: true });
    for (const text of ['one', 'one', 'two']) {
      expect((await feed(await compress(Buffer.from(text)), true)).toString()).toBe(text);
    }
  });

  it('reads messages that end with a final block', async () => {
    const { feed } = createInflater();
    for (const text of ['Hello', 'Hello']) {
      const compressed = Buffer.concat([deflateRawSync(text), Buffer.from([0])]);
      expect((await feed(compressed, true)).toString()).toBe(text);
    }
  });

  it.each([1000, 600 * 1024, 3 * 2 ** 20])(
    'takes a message of exactly %i bytes, and not one byte more',
    async (limit) => {
      for (const [size, failure] of [
        [limit, null],
        [limit + 1, 1009],
      ] as const) {
        const { inflater, feed } = createInflater({}, limit);
        const compressed = await createClient()(Buffer.alloc(size));
        const outcome = await feed(compressed, true).then(
          (text) => text.length,
          () => 'refused',
        );
        expect(outcome).toBe(failure === null ? size : 'refused');
        expect(inflater.failure).toBe(failure);
      }
    },
  );

  it('names the code for bytes that are no deflate', async () => {
    const { inflater, feed } = createInflater();
    await expect(feed(Buffer.from([0xff, 0xff, 0xff]), true)).rejects.toThrow('invalid block type');
    expect(inflater.failure).toBe(1007);
  });
});
