/**
 * A Lark grammar as rules. Rules and terminals are one and the same here: only the texts of the language count, not the tree that a
 * parser would make of them. `%ignore`, templates and what a lexer decides (priorities) are refused or say nothing.
 */
import {
  broken,
  createChoice,
  createRepeat,
  createSequence,
  createSet,
  createText,
  type Expression,
  type Grammar,
  unsupported,
} from './expression.ts';
import { parseRegex } from './regex.ts';

/** Lark's own library of terminals, as far as it is used in tools. */
const common: ReadonlyMap<string, string> = new Map([
  ['LF', '\\n'],
  ['CR', '\\r'],
  ['NEWLINE', '(\\r?\\n)+'],
  ['WS', '[ \\t\\f\\r\\n]+'],
  ['WS_INLINE', '[ \\t]+'],
  ['DIGIT', '[0-9]'],
  ['HEXDIGIT', '[0-9A-Fa-f]'],
  ['INT', '[0-9]+'],
  ['SIGNED_INT', '[+-]?[0-9]+'],
  ['DECIMAL', '[0-9]+\\.[0-9]*|\\.[0-9]+'],
  ['NUMBER', '([0-9]+\\.[0-9]*|\\.[0-9]+|[0-9]+)([eE][+-]?[0-9]+)?'],
  ['SIGNED_NUMBER', '[+-]?([0-9]+\\.[0-9]*|\\.[0-9]+|[0-9]+)([eE][+-]?[0-9]+)?'],
  ['LCASE_LETTER', '[a-z]'],
  ['UCASE_LETTER', '[A-Z]'],
  ['LETTER', '[A-Za-z]'],
  ['WORD', '[A-Za-z]+'],
  ['CNAME', '[A-Za-z_][A-Za-z0-9_]*'],
  ['ESCAPED_STRING', '"([^"\\\\\\n]|\\\\.)*"'],
]);

const tokenPattern =
  /(?<space>[ \t]+|\/\/[^\n]*|#[^\n]*)|(?<line>(?:\r?\n)+)|(?<text>"(?:[^"\\\n]|\\.)*"i?)|(?<regex>\/(?!\/)(?:[^/\\\n]|\\.)+\/[a-z]*)|(?<name>_*[A-Za-z][A-Za-z0-9_]*)|(?<number>-?\d+)|(?<sign>->|\.\.|[:|()[\]?!*+~.,{}%])/gy;

type TokenKind = 'line' | 'text' | 'regex' | 'name' | 'number' | 'sign' | 'end';

interface LarkToken {
  readonly kind: TokenKind;
  readonly text: string;
}

const end: LarkToken = { kind: 'end', text: '' };

/** Throws a {@link GrammarError}. */
export function parseLark(source: string): Grammar {
  const rules = new LarkParser(toTokens(source)).parse();
  if (!rules.has('start')) throw broken("no rule 'start'");
  return { start: 'start', rules };
}

function toTokens(source: string): LarkToken[] {
  const tokens: LarkToken[] = [];
  let at = 0;
  for (const match of source.matchAll(tokenPattern)) {
    at += match[0].length;
    const kind = (['line', 'text', 'regex', 'name', 'number', 'sign'] as const).find(
      (each) => match.groups?.[each] !== undefined,
    );
    if (kind !== undefined) tokens.push({ kind, text: match[0] });
  }
  if (at < source.length) throw broken(`'${source.slice(at, at + 16)}'`);
  return tokens;
}

class LarkParser {
  readonly #tokens: readonly LarkToken[];
  readonly #rules = new Map<string, Expression>();
  #at = 0;

  constructor(tokens: readonly LarkToken[]) {
    this.#tokens = tokens;
  }

  parse(): ReadonlyMap<string, Expression> {
    while (this.#next !== end) {
      if (this.#next.kind === 'line') this.#at += 1;
      else if (this.#skip('%')) this.#directive();
      else this.#rule();
    }
    return this.#rules;
  }

  get #next(): LarkToken {
    return this.#tokens[this.#at] ?? end;
  }

  #skip(sign: string): boolean {
    const isThere = this.#next.kind === 'sign' && this.#next.text === sign;
    if (isThere) this.#at += 1;
    return isThere;
  }

  #expect(kind: TokenKind): string {
    const { kind: found, text } = this.#next;
    if (found !== kind) throw broken(`${text === '' ? 'the end' : `'${text.trim()}'`} in place of a ${kind}`);
    this.#at += 1;
    return text;
  }

  #define(name: string, expression: Expression): void {
    if (this.#rules.has(name)) throw broken(`the rule '${name}' twice`);
    this.#rules.set(name, expression);
  }

  /** `%import common.NAME`, `%import common (A, B)`, each under its own name or `-> another`. */
  #directive(): void {
    const directive = this.#expect('name');
    if (directive !== 'import' || this.#expect('name') !== 'common')
      throw unsupported(`'%${directive}' of such a kind`);
    if (this.#skip('.')) {
      const name = this.#expect('name');
      this.#import(name, this.#skip('->') ? this.#expect('name') : name);
      return;
    }
    if (!this.#skip('(')) throw broken("'%import' of nothing");
    do {
      const name = this.#expect('name');
      this.#import(name, name);
    } while (this.#skip(','));
    if (!this.#skip(')')) throw broken("a '(' that nothing closes");
  }

  #import(name: string, alias: string): void {
    const regex = common.get(name);
    if (regex === undefined) throw unsupported(`'common.${name}'`);
    this.#define(alias, parseRegex(regex));
  }

  #rule(): void {
    // Both marks are about the tree.
    while (this.#skip('?') || this.#skip('!'));
    const name = this.#expect('name');
    // A priority is for a lexer that must choose between tokens; a text belongs to the language or not.
    if (this.#skip('.')) this.#expect('number');
    if (!this.#skip(':')) throw unsupported(`what follows '${name}' in place of a ':'`);
    this.#define(name, this.#choice());
    if (this.#next !== end && this.#next.kind !== 'line')
      throw broken(`'${this.#next.text}' behind the rule '${name}'`);
  }

  #choice(): Expression {
    const options: Expression[] = [];
    do {
      this.#skipLines('|');
      options.push(this.#sequence());
      // The name of a branch in the tree.
      if (this.#skip('->')) this.#expect('name');
      this.#skipLines('|');
    } while (this.#skip('|'));
    return createChoice(options);
  }

  /** A rule goes on in the next line where that begins with `sign`. */
  #skipLines(sign: string): void {
    let at = this.#at;
    while (this.#tokens[at]?.kind === 'line') at += 1;
    const { kind, text } = this.#tokens[at] ?? end;
    if (kind === 'sign' && text === sign) this.#at = at;
  }

  #sequence(): Expression {
    const parts: Expression[] = [];
    for (let part = this.#part(); part !== null; part = this.#part()) parts.push(part);
    return createSequence(parts);
  }

  #part(): Expression | null {
    const atom = this.#atom();
    if (atom === null) return null;
    if (this.#skip('?')) return createRepeat(atom, 0, 1);
    if (this.#skip('*')) return createRepeat(atom, 0, null);
    if (this.#skip('+')) return createRepeat(atom, 1, null);
    if (!this.#skip('~')) return atom;
    const min = Number(this.#expect('number'));
    return createRepeat(atom, min, this.#skip('..') ? Number(this.#expect('number')) : min);
  }

  #atom(): Expression | null {
    const { kind, text } = this.#next;
    if (kind === 'name') {
      this.#at += 1;
      if (this.#next.text === '{') throw unsupported('a template');
      return { kind: 'rule', name: text };
    }
    if (kind === 'text') return this.#text();
    if (kind === 'regex') {
      this.#at += 1;
      const close = text.lastIndexOf('/');
      return parseRegex(text.slice(1, close), text.slice(close + 1));
    }
    if (this.#skip('(')) return this.#closed(')');
    if (this.#skip('[')) return createRepeat(this.#closed(']'), 0, 1);
    return null;
  }

  #closed(close: string): Expression {
    const inner = this.#choice();
    this.#skipLines(close);
    if (!this.#skip(close)) throw broken(`no '${close}' where one is due`);
    return inner;
  }

  /** `"text"`, `"text"i` or `"a".."z"`. */
  #text(): Expression {
    const literal = this.#expect('text');
    const from = toLiteral(literal);
    if (!this.#skip('..')) return createText(from, literal.endsWith('i'));
    const to = toLiteral(this.#expect('text'));
    const [first, last] = [from.codePointAt(0) ?? 0, to.codePointAt(0) ?? 0];
    const isRange = from === String.fromCodePoint(first) && to === String.fromCodePoint(last) && first <= last;
    if (!isRange) throw broken(`the range ${literal}.."${to}"`);
    return createSet([{ first, last }]);
  }
}

/** The text between the quotes. */
function toLiteral(token: string): string {
  const inner = token.replace(/i$/, '').slice(1, -1);
  try {
    return String(JSON.parse(`"${inner.replaceAll(/\\x([0-9A-Fa-f]{2})/g, '\\u00$1')}"`));
  } catch {
    throw broken(`the text ${token}`);
  }
}
