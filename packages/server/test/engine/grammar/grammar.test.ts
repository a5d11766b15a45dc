import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GrammarError } from '../../../src/engine/grammar/expression.ts';
import { toInputGbnf } from '../../../src/engine/grammar/gbnf.ts';
import { parseLark } from '../../../src/engine/grammar/lark.ts';
import { parseRegex } from '../../../src/engine/grammar/regex.ts';
import { isMember } from '../../../src/engine/grammar/membership.ts';
import { applyPatch, execSource } from './grammars.ts';

const toGrammar = (regex: string, flags?: string) => ({
  start: 'start',
  rules: new Map([['start', parseRegex(regex, flags)]]),
});

const patch = `*** Begin Patch
*** Add File: a.txt
+one
+
*** Update File: b.txt
*** Move to: c.txt
@@ def f():
-old
+new "quoted" \\ and é
 same
*** End of File
*** Delete File: d.txt
*** End Patch
`;

describe('a regular expression', () => {
  it.each([
    'a*b',
    '(ab|cd)+?',
    '[a-c]{2,3}d?',
    '^[^a\\n]*$',
    '\\d+(?:\\.\\d{2})?',
    '(?<year>a)\\s\\w\\W',
    '[\\w.-]+@[a-z]+',
    'a{,2}|b{2}',
    '.\\\\\\.',
    '[\\]a-]x',
    '\\x61\\u0062',
    '|a',
  ])('%s says what it says', (source) => {
    const grammar = toGrammar(source);
    const reference = new RegExp(`^(?:${source})$`);
    const text = fc.string({ unit: fc.constantFrom(...Array.from('abcdx019 .@-]\\{},_\n')), maxLength: 7 });
    const isSame = (sample: string): boolean => isMember(grammar, sample) === reference.test(sample);
    fc.assert(fc.property(text, isSame), { numRuns: 400, examples: [['a'], ['ab'], ['aa'], ['abab'], ['{,2}']] });
    // Random texts seldom match: these do.
    const samples = ['b', 'aab', 'cdab', 'abd', '0.19', 'a x ', 'b.1@dd', '', 'bb', 'x\\.', ']x', '-x', 'ax'];
    expect(samples.filter((sample) => !isSame(sample))).toEqual([]);
  });

  it('knows the flags i and s', () => {
    expect(isMember(toGrammar('ab[c-d].', 'is'), 'AbD\n')).toBe(true);
    expect(isMember(toGrammar('[^a]', 'i'), 'A')).toBe(false);
    expect(isMember(toGrammar('.'), '\n')).toBe(false);
  });

  it.each(['(?=a)b', '(?<!a)b', '(a)\\1', 'a$b', '\\bword', '\\p{L}', 'a*+', '[[:alpha:]]', 'a{1000}', '(?i)a'])(
    '%s is refused as more than can be enforced',
    (source) => {
      expect(() => parseRegex(source)).toThrow(expect.objectContaining({ isBroken: false }));
    },
  );

  it.each(['(a', 'a)', '[a', '*a', 'a**', '[b-a]', 'a{3,2}', 'a\\'])('%s is refused as broken', (source) => {
    expect(() => parseRegex(source)).toThrow(expect.objectContaining({ isBroken: true }));
  });
});

describe('a Lark grammar', () => {
  it('of Codex takes patches, and nothing else', () => {
    const grammar = parseLark(applyPatch);
    expect(isMember(grammar, patch)).toBe(true);
    expect(isMember(grammar, patch.trimEnd())).toBe(true);
    const broken = [
      patch.replace('*** Begin', '** Begin'),
      patch.replace('+one', 'one'),
      patch.replace('*** Delete File: d.txt', '*** Delete File: '),
      `${patch}\n`,
    ];
    expect(broken.filter((text) => isMember(grammar, text))).toEqual([]);
  });

  it('of Codex takes source', () => {
    const grammar = parseLark(execSource);
    expect(isMember(grammar, '// @exec: fast\nawait x();\n')).toBe(true);
    expect(isMember(grammar, 'x')).toBe(true);
    expect(isMember(grammar, '')).toBe(false);
  });

  it('may use all of the notation', () => {
    const grammar = parseLark(`// a comment
      ?start: [sign] digit~2..3 ("," word)* "END"i -> whole
            | "none"
      !sign.2: "+" | "-"   // another
      digit: "0".."9"
      word: LETTER+ | WORD_TWO
      WORD_TWO: /x{2}/i
      %import common (LETTER, INT)
      %import common.WS -> SPACE
    `);
    const texts = ['12end', '-123,ab,XXEnd', 'none', '1end', '1234end', '12,end', 'non'];
    expect(texts.filter((text) => isMember(grammar, text))).toEqual(texts.slice(0, 3));
  });

  it.each([
    ['start: a\na: "x" %ignore WS', true],
    ['start: "x"\n%ignore " "', false],
    ['start: list{"x"}', false],
    ['other: "x"', true],
    ['start: "x', true],
    ['start: ("a"', true],
    ['start: "a"\nstart: "b"', true],
    ['%import python.NAME\nstart: "a"', false],
  ])('%j is refused', (source, isBroken) => {
    expect(() => parseLark(source)).toThrow(expect.objectContaining({ isBroken }));
  });
});

describe('a text of a grammar', () => {
  it('is found in a time that grows with the text, however many ways to read it there are', () => {
    const grammar = parseLark('start: (word | two)* end?\nword: "a"\ntwo: "a" "a"\nend: "b"');
    expect(isMember(grammar, `${'a'.repeat(50_000)}b`)).toBe(true);
    expect(isMember(grammar, `${'a'.repeat(50_000)}bb`)).toBe(false);
  });

  it('may call itself, and passes where that is too deep to be told', () => {
    const grammar = parseLark('start: "(" start? ")"');
    expect(['()', '((()))', '(()', '())'].map((text) => isMember(grammar, text))).toEqual([true, true, false, false]);
    const deep = 1_000_000;
    expect(isMember(grammar, '('.repeat(deep))).toBe(true);
  });
});

describe('GBNF', () => {
  it('escapes texts as JSON does', () => {
    expect(toInputGbnf(toGrammar('"\\\\\\n[^a-y]'))).toBe(
      String.raw`root ::= rule-0 "\"}"` +
        '\n' +
        String.raw`rule-0 ::= "\\\"" "\\\\" "\\n" ([ -\u0021\u0023-\u005B\u005D-\u0060z-\U0010FFFF] | "\\t" | "\\n" | "\\r" | "\\\"" | "\\\\")`,
    );
  });

  it.each([
    ['start: start "a" | "a"', 'begins with itself'],
    ['start: a\na: b? start "x"\nb: "y"', 'begins with itself'],
    ['start: (a?)*\na: "x"', 'may be empty'],
    ['start: /\\x00/', 'no text has'],
    ['start: missing', 'not there'],
  ])('of %j there is none', (source, why) => {
    expect(() => toInputGbnf(parseLark(source))).toThrow(GrammarError);
    expect(() => toInputGbnf(parseLark(source))).toThrow(why);
  });
});
