/** A grammar as GBNF, the notation of llama.cpp, for texts that are written inside of a JSON string. */
import { type CodeRange, type Expression, type Grammar, unsupported } from './expression.ts';
import { requireSound } from './soundness.ts';

/** What JSON writes as two characters. No model means to write other control characters: no text has them. */
const escapes: ReadonlyMap<number, string> = new Map([
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0d, 'r'],
  [0x22, '"'],
  [0x5c, '\\'],
]);
/** What JSON writes as it is. */
const plain: readonly CodeRange[] = [
  { first: 0x20, last: 0x21 },
  { first: 0x23, last: 0x5b },
  { first: 0x5d, last: 0x10ffff },
];

/**
 * GBNF of the rest of `{"input": "…"}` behind its first quote: a text of the grammar, escaped as JSON has it, and what closes the object.
 * Throws a `GrammarError` where the grammar cannot be followed from left to right.
 */
export function toInputGbnf(grammar: Grammar): string {
  requireSound(grammar);
  const names = new Map([...grammar.rules.keys()].map((name, index) => [name, `rule-${index}`]));
  const rules = [...grammar.rules].map(([name, expression]) => `${names.get(name)} ::= ${write(expression, names)}`);
  return [`root ::= ${names.get(grammar.start)} "\\"}"`, ...rules].join('\n');
}

function write(expression: Expression, names: ReadonlyMap<string, string>): string {
  switch (expression.kind) {
    case 'set':
      return writeSet(expression.ranges);
    case 'rule':
      return names.get(expression.name) ?? '';
    case 'sequence':
      return expression.parts.length === 0 ? '""' : expression.parts.map((part) => write(part, names)).join(' ');
    case 'choice':
      return `(${expression.options.map((option) => write(option, names)).join(' | ')})`;
    case 'repeat':
      return `(${write(expression.body, names)})${writeBounds(expression.min, expression.max)}`;
  }
}

function writeBounds(min: number, max: number | null): string {
  if (max === null) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  return min === 0 && max === 1 ? '?' : `{${min},${max}}`;
}

function writeSet(ranges: readonly CodeRange[]): string {
  const escaped = [...escapes].filter(([code]) => ranges.some(({ first, last }) => first <= code && code <= last));
  const options = [...writePlain(ranges), ...escaped.map(([, letter]) => JSON.stringify(`\\${letter}`))];
  const [only] = options;
  if (only === undefined) throw unsupported('a character that no text has');
  return options.length === 1 ? only : `(${options.join(' | ')})`;
}

/** What JSON writes as it is: one character as a text, more as one class, none as nothing. */
function writePlain(ranges: readonly CodeRange[]): string[] {
  const shared = ranges.flatMap(({ first, last }) =>
    plain
      .map((each): CodeRange => ({ first: Math.max(first, each.first), last: Math.min(last, each.last) }))
      .filter((each) => each.first <= each.last),
  );
  const [one, another] = shared;
  if (one === undefined) return [];
  if (another === undefined && one.first === one.last) return [JSON.stringify(String.fromCodePoint(one.first))];
  const members = shared.map(({ first, last }) =>
    first === last ? writeCode(first) : `${writeCode(first)}-${writeCode(last)}`,
  );
  return [`[${members.join('')}]`];
}

/**
 * Letters and digits as they are; whatever a class might take for its own by its number. Never as `\xHH`, of which XGrammar reads any number
 * of digits, so that a letter behind it would be one.
 */
function writeCode(code: number): string {
  const character = String.fromCodePoint(code);
  if (/[A-Za-z0-9 ]/.test(character)) return character;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0').toUpperCase()}`;
  return `\\U${code.toString(16).padStart(8, '0').toUpperCase()}`;
}
