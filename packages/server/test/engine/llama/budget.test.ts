import { expect, it } from 'vitest';
import { kvBytesPerToken, toPoolSize } from '../../../src/engine/llama/budget.ts';

const tinyDemo = { layers: 6, kvHeads: 4, headWidth: 32, trainedTokens: 4096 };
const large = { layers: 28, kvHeads: 8, headWidth: 128, trainedTokens: 131_072 };

it('knows what a token costs', () => {
  expect(kvBytesPerToken(tinyDemo)).toBe(3072);
  expect(kvBytesPerToken(large)).toBe(114_688);
});

it.each([
  ['fills the budget', tinyDemo, 128 * 2 ** 20, null, { contextTokens: 4096, sequences: 10 }],
  ['makes one sequence in any case', large, 1, null, { contextTokens: 4096, sequences: 1 }],
  ['shortens long contexts so that four fit', large, 4 * 2 ** 30, null, { contextTokens: 9362, sequences: 4 }],
  ['takes the length that is asked for', large, 4 * 2 ** 30, 4681, { contextTokens: 4681, sequences: 8 }],
  ['goes no further than the training', tinyDemo, 2 ** 30, 99_999, { contextTokens: 4096, sequences: 85 }],
  ['stays below the limit of sequences', tinyDemo, 2 ** 34, 1024, { contextTokens: 1024, sequences: 256 }],
])('%s', (_, shape, budget, asked, expected) => {
  expect(toPoolSize(shape, budget, asked)).toEqual(expected);
});
