import fc from 'fast-check';
import type { Token } from '../../../src/engine/chat-template/tokenizer.ts';
import { describe, expect, it } from 'vitest';
import { Detokenizer } from '../../../src/engine/chat-template/detokenizer.ts';

/** A vocabulary of single bytes: the worst case. */
const toTokens = (bytes: Iterable<number>): Token[] => [...bytes];
const detokenize = (tokens: readonly Token[]): string => new TextDecoder().decode(Uint8Array.from(tokens));

describe('Detokenizer', () => {
  it('gives characters out whole', () => {
    const detokenizer = new Detokenizer(detokenize);
    const deltas = toTokens(new TextEncoder().encode('aé🎉b')).map((token) => detokenizer.push(token));
    expect(deltas).toEqual(['a', '', 'é', '', '', '', '🎉', 'b']);
    expect(detokenizer.isPending).toBe(false);
  });

  it('gives out every text, in pieces that are text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const detokenizer = new Detokenizer(detokenize);
        const deltas = toTokens(new TextEncoder().encode(text)).map((token) => detokenizer.push(token));
        expect(deltas.join('')).toBe(text);
        expect(deltas.every((delta) => delta.isWellFormed() && !delta.includes('\uFFFD'))).toBe(true);
      }),
    );
  });

  it('gives out what stands in front of an incomplete character, and does not wait for ever', () => {
    const tokens = new Map<number, string>([
      [1, 'ab\uFFFD'],
      [2, '\uFFFD'],
    ]);
    const detokenizer = new Detokenizer((pending) => pending.map((token) => tokens.get(token) ?? 'c').join(''));
    expect(detokenizer.push(1)).toBe('ab');
    expect(detokenizer.isPending).toBe(true);
    expect(toTokens([2, 2, 2]).map((token) => detokenizer.push(token))).toEqual(['', '', '']);
    expect(detokenizer.push(2)).toBe('\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD');
    expect(detokenizer.isPending).toBe(false);
  });

  it('tells the binding what stands in front', () => {
    const seen: number[][] = [];
    const detokenizer = new Detokenizer((_, before) => {
      seen.push([...before]);
      return 'x';
    });
    for (const token of toTokens([1, 2, 3, 4, 5, 6])) detokenizer.push(token);
    expect(seen.at(-1)).toEqual([2, 3, 4, 5]);
  });
});
