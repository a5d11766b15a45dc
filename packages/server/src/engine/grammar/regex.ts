/** A regular expression, as Rust and Python write them, as an expression. What looks around or back is refused. */
import {
  broken,
  type CodeRange,
  createChoice,
  createRepeat,
  createSequence,
  createSet,
  type Expression,
  ignoreCase,
  invert,
  toRange,
  unsupported,
} from './expression.ts';

const newline: CodeRange = { first: 0x0a, last: 0x0a };
const digits: readonly CodeRange[] = [{ first: 0x30, last: 0x39 }];
const words: readonly CodeRange[] = [
  ...digits,
  { first: 0x41, last: 0x5a },
  { first: 0x5f, last: 0x5f },
  { first: 0x61, last: 0x7a },
];
const spaces: readonly CodeRange[] = [
  { first: 0x09, last: 0x0d },
  { first: 0x20, last: 0x20 },
];
const classes: ReadonlyMap<string, readonly CodeRange[]> = new Map([
  ['d', digits],
  ['D', invert(digits)],
  ['w', words],
  ['W', invert(words)],
  ['s', spaces],
  ['S', invert(spaces)],
]);
const controls: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['f', '\f'],
  ['v', '\v'],
  ['0', '\0'],
]);

/**
 * The whole text must match, with or without anchors around it. `flags`: `i`, `s`; `u` changes nothing.
 * Throws a {@link GrammarError}.
 */
export function parseRegex(source: string, flags = ''): Expression {
  const other = /[^isu]/.exec(flags)?.[0];
  if (other !== undefined) throw unsupported(`the flag '${other}' of a regular expression`);
  return new RegexParser(source, flags).parse();
}

class RegexParser {
  readonly #characters: readonly string[];
  readonly #ignoresCase: boolean;
  readonly #dotMatchesAll: boolean;
  #at = 0;

  constructor(source: string, flags: string) {
    this.#characters = Array.from(source);
    this.#ignoresCase = flags.includes('i');
    this.#dotMatchesAll = flags.includes('s');
  }

  parse(): Expression {
    const expression = this.#choice();
    if (this.#at < this.#characters.length) throw broken("a ')' that closes nothing");
    return expression;
  }

  get #next(): string | undefined {
    return this.#characters[this.#at];
  }

  #take(): string {
    const character = this.#next;
    if (character === undefined) throw broken('a regular expression that ends too early');
    this.#at += 1;
    return character;
  }

  #skip(text: string): boolean {
    if (this.#characters.slice(this.#at, this.#at + text.length).join('') !== text) return false;
    this.#at += text.length;
    return true;
  }

  #choice(): Expression {
    const options = [this.#sequence()];
    while (this.#skip('|')) options.push(this.#sequence());
    return createChoice(options);
  }

  #sequence(): Expression {
    const parts: Expression[] = [];
    while (this.#next !== undefined && this.#next !== '|' && this.#next !== ')') {
      if (this.#isAnchor()) continue;
      parts.push(this.#repeated(this.#atom()));
    }
    return createSequence(parts);
  }

  /** At the ends of the whole, an anchor says what holds anyway. */
  #isAnchor(): boolean {
    const isStart = this.#next === '^';
    if (!isStart && this.#next !== '$') return false;
    if (this.#at !== (isStart ? 0 : this.#characters.length - 1)) throw unsupported(`'${this.#next}' inside of a text`);
    this.#at += 1;
    return true;
  }

  #repeated(atom: Expression): Expression {
    const bounds = this.#bounds();
    if (bounds === null) return atom;
    // Lazy or greedy, it is the same language; possessive, it is not.
    if (this.#next === '+') throw unsupported('a possessive repetition');
    this.#skip('?');
    if (this.#next !== undefined && '*+?'.includes(this.#next)) throw broken('a repetition of a repetition');
    return createRepeat(atom, bounds.min, bounds.max);
  }

  #bounds(): { min: number; max: number | null } | null {
    if (this.#skip('*')) return { min: 0, max: null };
    if (this.#skip('+')) return { min: 1, max: null };
    if (this.#skip('?')) return { min: 0, max: 1 };
    const braces = /^\{(\d+)(,(\d*))?\}/.exec(this.#characters.slice(this.#at).join(''));
    if (!braces) return null;
    this.#at += braces[0].length;
    const min = Number(braces[1]);
    if (braces[2] === undefined) return { min, max: min };
    return { min, max: braces[3] ? Number(braces[3]) : null };
  }

  #atom(): Expression {
    const character = this.#take();
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return this.#set(this.#bracket());
      case '.':
        return createSet(invert(this.#dotMatchesAll ? [] : [newline]));
      case '\\':
        return this.#set(this.#escape());
      case '*':
      case '+':
      case '?':
        throw broken(`a '${character}' that repeats nothing`);
      default:
        return this.#set([toRange(character)]);
    }
  }

  #group(): Expression {
    if (this.#skip('?')) {
      const isNamed = this.#skip('P<') || (this.#next === '<' && !/[=!]/.test(this.#characters[this.#at + 1] ?? ''));
      if (isNamed) while (this.#take() !== '>');
      else if (!this.#skip(':')) throw unsupported(`a group that begins with '(?${this.#next ?? ''}'`);
    }
    const expression = this.#choice();
    if (!this.#skip(')')) throw broken("a '(' that nothing closes");
    return expression;
  }

  /** The inside of `[…]`. */
  #bracket(): readonly CodeRange[] {
    const isInverted = this.#skip('^');
    const ranges: CodeRange[] = [];
    for (let isFirst = true; isFirst || this.#next !== ']'; isFirst = false) {
      const low = this.#member();
      const [from] = low;
      const isRange = this.#next === '-' && this.#characters[this.#at + 1] !== ']';
      if (!isRange || low.length !== 1 || from === undefined || from.first !== from.last) {
        ranges.push(...low);
        continue;
      }
      this.#take();
      const [to, more] = this.#member();
      if (to === undefined || more !== undefined || to.first < from.first) throw broken('a range that runs backwards');
      ranges.push({ first: from.first, last: to.last });
    }
    this.#take();
    if (!isInverted) return ranges;
    return invert(this.#ignoresCase ? ignoreCase(ranges) : ranges);
  }

  #member(): readonly CodeRange[] {
    const character = this.#take();
    if (character === '[' && this.#next === ':') throw unsupported("a class such as '[:alpha:]'");
    return character === '\\' ? this.#escape() : [toRange(character)];
  }

  /** What a backslash means. */
  #escape(): readonly CodeRange[] {
    const character = this.#take();
    const known = classes.get(character);
    if (known !== undefined) return known;
    const control = controls.get(character);
    if (control !== undefined) return [toRange(control)];
    if (character === 'x') return [this.#hex(2)];
    if (character === 'u') return [this.#hex(4)];
    if (/[A-Za-z1-9]/.test(character)) throw unsupported(`'\\${character}' in a regular expression`);
    return [toRange(character)];
  }

  #hex(digitCount: number): CodeRange {
    const text = this.#skip('{') ? this.#until('}') : Array.from({ length: digitCount }, () => this.#take()).join('');
    const code = /^[0-9A-Fa-f]{1,6}$/.test(text) ? Number.parseInt(text, 16) : Number.NaN;
    if (!(code <= 0x10ffff)) throw broken(`the code point '${text}'`);
    return { first: code, last: code };
  }

  #until(end: string): string {
    let text = '';
    for (let character = this.#take(); character !== end; character = this.#take()) text += character;
    return text;
  }

  #set(ranges: readonly CodeRange[]): Expression {
    return createSet(this.#ignoresCase ? ignoreCase(ranges) : ranges);
  }
}
