import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeCodeOf, encodeClose, encodeText, FrameSplitter } from '../../src/chaos/frame.ts';

const texts = fc.array(
  fc.oneof(
    fc.string(),
    fc.constantFrom(125, 126, 65_535, 65_536).map((length) => 'x'.repeat(length)),
  ),
  { maxLength: 5 },
);

describe('frames', () => {
  it('come out whole and in order, wherever the stream was cut', () => {
    fc.assert(
      fc.property(texts, fc.boolean(), fc.array(fc.nat(70_000)), (texts, isMasked, cuts) => {
        const stream = Buffer.concat(texts.map((text) => encodeText(text, isMasked)));
        const splitter = new FrameSplitter(100_000);
        const ends = [...cuts.filter((cut) => cut < stream.length).toSorted((a, b) => a - b), stream.length];
        const frames = ends.flatMap((end, index) => splitter.push(stream.subarray(ends[index - 1] ?? 0, end)));
        expect(frames.map((frame) => frame.payload().toString())).toEqual(texts);
        expect(Buffer.concat(frames.map(({ bytes }) => bytes))).toEqual(stream);
      }),
    );
  });

  it('are unmasked', () => {
    const frame = Buffer.from([0x81, 0x83, 1, 2, 3, 4, 0x61 ^ 1, 0x62 ^ 2, 0x63 ^ 3]);
    expect(new FrameSplitter(100).push(frame)[0]?.payload().toString()).toBe('abc');
  });

  it('that are larger than the limit are refused before they are there', () => {
    const header = encodeText('x'.repeat(1000), false).subarray(0, 4);
    expect(() => new FrameSplitter(1000).push(header)).toThrow(RangeError);
  });

  it.each([
    [encodeClose(1012), 1012],
    [Buffer.from([0x88, 0]), 1005],
  ])('of a close tell the code', (bytes, code) => {
    const [frame] = new FrameSplitter(100).push(bytes);
    expect(frame?.isControl).toBe(true);
    expect(frame && closeCodeOf(frame)).toBe(code);
  });
});
