/** Words in the proportions of what coding agents read and write. */
import type { Random } from './random.ts';

/** Every model of tokens in the benchmark counts four bytes of text as one. */
export const bytesPerToken = 4;

const words =
  'const function return import export async await string number value error request response socket buffer stream test expect file line path ' +
  'the a to of in is that for with this not from when each should because before after index length size first last next read write open close';
const vocabulary = words.split(' ');
const pieces = [' ', ' ', ' ', ' ', ' ', '\n', '. ', ', ', '(', ') ', ' = ', ': '];

/** Text of that many tokens, to the byte. */
export function toProse(random: Random, tokens: number): string {
  const bytes = Math.round(tokens * bytesPerToken);
  let text = '';
  while (text.length < bytes) text += pick(random, vocabulary) + pick(random, pieces);
  return text.slice(0, bytes);
}

function pick(random: Random, list: readonly string[]): string {
  return list[Math.floor(random() * list.length)] ?? '';
}
