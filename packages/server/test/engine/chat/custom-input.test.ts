import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CustomInputDecoder, encodeCustomInput } from '../../../src/engine/chat/custom-input.ts';

function decode(pieces: readonly string[]): string[] {
  const decoder = new CustomInputDecoder();
  return [...pieces.map((piece) => decoder.push(piece)), decoder.end()];
}

function cut(text: string, at: readonly number[]): string[] {
  const places = [0, ...at.map((each) => each % (text.length + 1)).toSorted((a, b) => a - b), text.length];
  return places.slice(1).map((end, index) => text.slice(places[index], end));
}

describe('the decoder of custom inputs', () => {
  it('gives back any text, however its arguments are cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.nat(), { maxLength: 8 }), (text, at) => {
        expect(decode(cut(encodeCustomInput(text), at)).join('')).toBe(text);
      }),
    );
  });

  it('gives text out while it comes', () => {
    expect(decode(['{"in', 'put": "*** Beg', 'in\\', 'nx', '"}'])).toEqual(['', '*** Beg', 'in', '\nx', '', '']);
  });

  it('keeps a surrogate pair together', () => {
    expect(decode(['{"input":"\\ud83d', '\\udc4d"}'])).toEqual(['', '👍', '']);
    expect(decode(['{"input":"a\ud83d', '\udc4d"}'])).toEqual(['a', '👍', '']);
  });

  it('takes raw line breaks and stray escapes as they are meant', () => {
    expect(decode(['{"input":"a\nb\\uzz\\q"}']).join('')).toBe('a\nbuzzq');
  });

  it.each([
    ['{"patch":"x"}', 'x'],
    ['{"note":1,"input":"x"}', 'x'],
    ['"x"', 'x'],
    ['plain text', 'plain text'],
    ['{"a":1}', '{"a":1}'],
    ['', ''],
  ])('understands %j, which is not what was asked for', (args, input) => {
    expect(decode([args]).join('')).toBe(input);
  });

  it('gives what there is of an input that was cut off', () => {
    expect(decode(['{"input":"half of it\\']).join('')).toBe('half of it');
  });
});
