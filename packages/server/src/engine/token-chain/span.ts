/**
 * A run of tokens in three parts: a preamble, a chain, a tail. It describes a prompt, and what a KV sequence holds.
 *
 * Comparing two spans costs what they do not share: equal preambles are one object, and chains meet at their common piece.
 */
import type { Token } from '../chat-template/tokenizer.ts';
import type { TokenContext } from './context.ts';
import type { TokenRun } from './run.ts';

/** Tokens of instructions and tools. Equal preambles are the same object (see `PreambleCache`). */
export interface TokenBlock {
  readonly tokens: readonly Token[];
}

/** Preamble, then the chain's `run`, then `tail`. A context that is a run is prepared. */
export interface Span {
  readonly preamble: TokenBlock;
  readonly run: TokenRun | null;
  readonly tail: readonly Token[];
  /** Whose chain this is, also where its tokens all stand in `tail`: tells who may want to go on from it. */
  readonly owner: TokenContext | null;
  /** Spans of different projects share nothing. */
  readonly project: string;
}

/** A span's tokens. */
export function spanLength(span: Span): number {
  return span.preamble.tokens.length + (span.run?.end ?? 0) + span.tail.length;
}

/** The tokens from index `from` on. Costs what it returns, and the pieces that this takes. */
export function spanTokensFrom(span: Span, from: number): Token[] {
  const { preamble, run, tail } = span;
  const blocks: (readonly Token[])[] = [];
  const head = preamble.tokens.length;
  const tailStart = head + (run?.end ?? 0);
  blocks.push(from > tailStart ? tail.slice(from - tailStart) : tail);
  for (let piece = run; piece !== null && head + piece.end > from; piece = piece.parent) {
    const start = head + piece.end - piece.tokens.length;
    blocks.push(from > start ? piece.tokens.slice(from - start) : piece.tokens);
  }
  if (from < head) blocks.push(preamble.tokens.slice(from));
  return blocks.toReversed().flat();
}

/**
 * How many leading tokens two spans are known to share. Never more than they do; it may be fewer where the preambles differ
 * and one begins with the other.
 */
export function sharedTokens(a: Span, b: Span): number {
  if (a.project !== b.project) return 0;
  if (a.preamble !== b.preamble) {
    const shared = commonPrefix(a.preamble.tokens, b.preamble.tokens);
    const isWhole = shared === a.preamble.tokens.length && shared === b.preamble.tokens.length;
    if (!isWhole) return shared;
  }
  const base = commonRun(a.run, b.run);
  return a.preamble.tokens.length + (base?.end ?? 0) + commonPrefix(blocksAfter(a, base), blocksAfter(b, base));
}

/** The newest piece that both chains go through. */
export function commonRun(a: TokenRun | null, b: TokenRun | null): TokenRun | null {
  if (a === null || b === null || a.root !== b.root) return null;
  let left: TokenRun | null = a;
  let right: TokenRun | null = b;
  while (left !== right) {
    if (left === null || right === null) return null;
    const [leftDepth, rightDepth]: [number, number] = [left.depth, right.depth];
    if (leftDepth >= rightDepth) left = left.parent;
    if (rightDepth >= leftDepth) right = right.parent;
  }
  return left;
}

/** The tokens behind `base`, lazily: a comparison stops at the first difference. */
function* blocksAfter(span: Span, base: TokenRun | null): Generator<Token> {
  const pieces: TokenRun[] = [];
  for (let piece = span.run; piece !== null && piece !== base; piece = piece.parent) pieces.push(piece);
  for (const piece of pieces.toReversed()) yield* piece.tokens;
  yield* span.tail;
}

/** Leading tokens that are equal. */
function commonPrefix(a: Iterable<Token>, b: Iterable<Token>): number {
  const others = b[Symbol.iterator]();
  let count = 0;
  for (const token of a) {
    const other = others.next();
    if (other.done === true || other.value !== token) break;
    count += 1;
  }
  return count;
}
