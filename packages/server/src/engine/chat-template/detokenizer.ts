/** Tokens -> text as they come, never half a character. */
import type { Token } from './tokenizer.ts';

/** The binding's `detokenize`: tokens to text, an incomplete character as U+FFFD; `before` are tokens that stand in front. */
export type Detokenize = (tokens: readonly Token[], before: readonly Token[]) => string;

/** A character has four bytes at most, so that more tokens than this cannot complete one. */
const longestCharacterTokens = 4;
/** Tokens in front that spacing rules look at. */
const contextTokens = 4;

/** Holds back only the tokens of a character that is not complete yet. */
export class Detokenizer {
  readonly #detokenize: Detokenize;
  #before: readonly Token[];
  #pending: Token[] = [];
  /** How much of the pending tokens' text has been given out. */
  #given = 0;

  /** `before`: tokens whose text was given out already. */
  constructor(detokenize: Detokenize, before: readonly Token[] = []) {
    this.#detokenize = detokenize;
    this.#before = before.slice(-contextTokens);
  }

  /** Whether a character has begun and not ended. */
  get isPending(): boolean {
    return this.#pending.length > 0;
  }

  /** The text that this token completes; empty inside a character. */
  push(token: Token): string {
    this.#pending.push(token);
    const text = this.#detokenize(this.#pending, this.#before);
    const whole = text.replace(/\uFFFD+$/, '');
    if (whole.length === text.length || this.#pending.length > longestCharacterTokens) return this.#settle(text);
    const delta = whole.slice(this.#given);
    this.#given = Math.max(this.#given, whole.length);
    return delta;
  }

  #settle(text: string): string {
    const delta = text.slice(this.#given);
    this.#before = [...this.#before, ...this.#pending].slice(-contextTokens);
    this.#pending = [];
    this.#given = 0;
    return delta;
  }
}
