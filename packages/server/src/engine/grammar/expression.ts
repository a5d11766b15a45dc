/** What a grammar says, whatever notation it came in: sets of characters, and how they follow each other. */

/** Code points from `first` to `last`, both included. */
export interface CodeRange {
  readonly first: number;
  readonly last: number;
}

/** A language. */
export type Expression =
  /** One character of these. Sorted, without overlaps. */
  | { readonly kind: 'set'; readonly ranges: readonly CodeRange[] }
  | { readonly kind: 'sequence'; readonly parts: readonly Expression[] }
  | { readonly kind: 'choice'; readonly options: readonly Expression[] }
  /** `max` null: without end. */
  | { readonly kind: 'repeat'; readonly body: Expression; readonly min: number; readonly max: number | null }
  | { readonly kind: 'rule'; readonly name: string };

/** Rules by name; `start` is where a text begins. */
export interface Grammar {
  readonly start: string;
  readonly rules: ReadonlyMap<string, Expression>;
}

/** Why a definition cannot be used. `isBroken`: it is no grammar at all; otherwise it says more than can be enforced. */
export class GrammarError extends Error {
  readonly isBroken: boolean;

  constructor(message: string, isBroken: boolean) {
    super(message);
    this.name = 'GrammarError';
    this.isBroken = isBroken;
  }
}

/** The definition is no grammar. */
export function broken(message: string): GrammarError {
  return new GrammarError(message, true);
}

/** The definition is a grammar, but none that can be enforced. */
export function unsupported(what: string): GrammarError {
  return new GrammarError(`${what} cannot be enforced`, false);
}

const lastCodePoint = 0x10ffff;
/** More copies of a thing than this make a grammar that takes longer to check than to write. */
const maxRepeats = 256;

/** One character of these ranges, in any order. */
export function createSet(ranges: readonly CodeRange[]): Extract<Expression, { kind: 'set' }> {
  const joined: { first: number; last: number }[] = [];
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = joined.at(-1);
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last);
    else joined.push({ first, last });
  }
  return { kind: 'set', ranges: joined };
}

/** Every character that is not in these ranges. */
export function invert(ranges: readonly CodeRange[]): CodeRange[] {
  const inverted: CodeRange[] = [];
  let next = 0;
  for (const { first, last } of createSet(ranges).ranges) {
    if (first > next) inverted.push({ first: next, last: first - 1 });
    next = last + 1;
  }
  if (next <= lastCodePoint) inverted.push({ first: next, last: lastCodePoint });
  return inverted;
}

/** The ranges with every ASCII letter in both cases. */
export function ignoreCase(ranges: readonly CodeRange[]): CodeRange[] {
  const shifted = ranges.flatMap(({ first, last }) => [
    ...shift(first, last, 0x41, 0x5a, 0x20),
    ...shift(first, last, 0x61, 0x7a, -0x20),
  ]);
  return [...ranges, ...shifted];
}

function shift(first: number, last: number, from: number, to: number, by: number): CodeRange[] {
  const [start, end] = [Math.max(first, from), Math.min(last, to)];
  return start <= end ? [{ first: start + by, last: end + by }] : [];
}

/** A text, character by character. */
export function createText(text: string, ignoresCase = false): Expression {
  const parts = Array.from(text, (character) => {
    const range = toRange(character);
    return createSet(ignoresCase ? ignoreCase([range]) : [range]);
  });
  return createSequence(parts);
}

/** The range of one character. */
export function toRange(character: string): CodeRange {
  const code = character.codePointAt(0) ?? 0;
  return { first: code, last: code };
}

/** One after the other. */
export function createSequence(parts: readonly Expression[]): Expression {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { kind: 'sequence', parts };
}

/** One of them. */
export function createChoice(options: readonly Expression[]): Expression {
  const [only] = options;
  return options.length === 1 && only !== undefined ? only : { kind: 'choice', options };
}

/** Throws where there would be too many copies. */
export function createRepeat(body: Expression, min: number, max: number | null): Expression {
  if (max !== null && max < min) throw broken(`a repetition of ${min} to ${max}`);
  if (Math.max(min, max ?? 0) > maxRepeats) throw unsupported(`more than ${maxRepeats} repetitions`);
  return { kind: 'repeat', body, min, max };
}
