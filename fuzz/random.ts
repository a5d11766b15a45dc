/** Random numbers that come again with the same seed. */

/** A generator of the xorshift family: fast, and good enough to choose inputs. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  }

  /** An integer from 0 up to, and not including, `limit`. */
  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % limit;
  }

  /** True once in `n` times. */
  once(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let i = 0; i < length; i++) bytes[i] = this.below(256);
    return bytes;
  }

  /** Letters, and now and then what makes trouble: quotes, control characters, halves of surrogate pairs, emoji. */
  text(length: number): string {
    let text = '';
    for (let i = 0; i < length; i++) text += this.once(8) ? this.pick(oddCharacters) : this.pick(letters);
    return text;
  }
}

const letters = 'abcdefghijklmnopqrstuvwxyz ABC 0123456789'.split('');
const oddCharacters = [
  '"',
  '\\',
  '\n',
  '\r',
  '\u0000',
  '\u001b',
  '\ud83d',
  '\udc00',
  '\u2028',
  '😀',
  'é',
  '{',
  ']',
  '%',
  '<',
];
