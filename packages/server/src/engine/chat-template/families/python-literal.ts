/** Python's keyword arguments, as some models write calls: `city="Oslo", days=[1, 2], exact=True`. */

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0', '\n': '' };
const words: Readonly<Record<string, unknown>> = {
  True: true,
  False: false,
  None: null,
  true: true,
  false: false,
  null: null,
};

/** The arguments by their names; null where the text is anything else, such as code. */
export function parseKeywordArguments(text: string): Readonly<Record<string, unknown>> | null {
  const reader = new LiteralReader(text);
  try {
    return reader.keywords();
  } catch (error) {
    if (error instanceof NotALiteral) return null;
    throw error;
  }
}

class NotALiteral extends Error {}

class LiteralReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  keywords(): Readonly<Record<string, unknown>> {
    const found: [string, unknown][] = [];
    while (!this.#isAtEnd()) {
      const name = this.#match(/[A-Za-z_]\w*/y);
      this.#expect('=');
      found.push([name, this.#value()]);
      if (!this.#isAtEnd()) this.#expect(',');
    }
    return Object.fromEntries(found);
  }

  #value(): unknown {
    const next = this.#peek();
    if (next === '"' || next === "'") return this.#string();
    if (next === '[') return this.#list('[', ']');
    if (next === '(') return this.#list('(', ')');
    if (next === '{') return this.#mapping();
    const word = this.#match(/[A-Za-z]+|[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/y);
    if (Object.hasOwn(words, word)) return words[word];
    const number = Number(word.replaceAll('_', ''));
    if (Number.isNaN(number)) throw new NotALiteral();
    return number;
  }

  #list(open: string, close: string): unknown[] {
    const values: unknown[] = [];
    this.#expect(open);
    while (this.#peek() !== close) {
      values.push(this.#value());
      if (this.#peek() !== close) this.#expect(',');
    }
    this.#expect(close);
    return values;
  }

  #mapping(): Readonly<Record<string, unknown>> {
    const entries: [string, unknown][] = [];
    this.#expect('{');
    while (this.#peek() !== '}') {
      const key = String(this.#value());
      this.#expect(':');
      entries.push([key, this.#value()]);
      if (this.#peek() !== '}') this.#expect(',');
    }
    this.#expect('}');
    return Object.fromEntries(entries);
  }

  #string(): string {
    const quote = this.#match(/"""|'''|"|'/y);
    let value = '';
    while (!this.#text.startsWith(quote, this.#at)) {
      const character = this.#take();
      value += character === '\\' ? this.#escaped() : character;
    }
    this.#at += quote.length;
    return value;
  }

  #escaped(): string {
    const character = this.#take();
    const digits = { x: 2, u: 4, U: 8 }[character];
    if (digits === undefined) return escapes[character] ?? (/[\\'"]/.test(character) ? character : `\\${character}`);
    const code = Number.parseInt(this.#text.slice(this.#at, this.#at + digits), 16);
    if (Number.isNaN(code) || code > 0x10_ff_ff) throw new NotALiteral();
    this.#at += digits;
    return String.fromCodePoint(code);
  }

  #isAtEnd(): boolean {
    this.#skipSpace();
    return this.#at >= this.#text.length;
  }

  #peek(): string {
    this.#skipSpace();
    return this.#text.charAt(this.#at);
  }

  #take(): string {
    if (this.#at >= this.#text.length) throw new NotALiteral();
    this.#at += 1;
    return this.#text.charAt(this.#at - 1);
  }

  #expect(character: string): void {
    if (this.#peek() !== character) throw new NotALiteral();
    this.#at += 1;
  }

  /** `pattern` is sticky. */
  #match(pattern: RegExp): string {
    this.#skipSpace();
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found === undefined) throw new NotALiteral();
    this.#at += found.length;
    return found;
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at += 1;
  }
}
