/** Tokens in a row, as a linked list of immutable pieces: two runs that go on from one share it. */
import type { Token } from '../chat-template/tokenizer.ts';

/** A run up to a point. */
export interface TokenRun {
  readonly parent: TokenRun | null;
  /** Own tokens. */
  readonly tokens: readonly Token[];
  /** Tokens from the root up to and including this piece. */
  readonly end: number;
  /** Tells runs without a common piece apart in one comparison. */
  readonly root: TokenRun;
  /** Pieces from the root to here. */
  readonly depth: number;
}

/** `parent` with `tokens` behind it: O(tokens). */
export function appendRun(parent: TokenRun | null, tokens: readonly Token[]): TokenRun {
  return new Piece(parent, tokens);
}

class Piece implements TokenRun {
  readonly parent: TokenRun | null;
  readonly tokens: readonly Token[];
  readonly end: number;
  readonly root: TokenRun;
  readonly depth: number;

  constructor(parent: TokenRun | null, tokens: readonly Token[]) {
    this.parent = parent;
    this.tokens = tokens;
    this.end = (parent?.end ?? 0) + tokens.length;
    this.root = parent?.root ?? this;
    this.depth = (parent?.depth ?? -1) + 1;
  }
}
