/** Whether a text belongs to a grammar: for servers that are told of a grammar, and may not have kept to it. */
import type { Expression, Grammar } from './expression.ts';

/**
 * O(characters) for the grammars of tools; every place where a match may end is followed at once. True where it cannot be told: a rule that
 * calls itself for every character of a very long text.
 */
export function isMember({ start, rules }: Grammar, text: string): boolean {
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  /** Where a match of `expression` that begins at one of `from` may end. */
  const walk = (expression: Expression, from: ReadonlySet<number>): ReadonlySet<number> => {
    switch (expression.kind) {
      case 'set': {
        const ends = new Set<number>();
        for (const at of from) if (isIn(expression.ranges, codes[at])) ends.add(at + 1);
        return ends;
      }
      case 'rule': {
        const body = rules.get(expression.name);
        return body === undefined ? new Set() : walk(body, from);
      }
      case 'sequence':
        return expression.parts.reduce((at, part) => (at.size === 0 ? at : walk(part, at)), from);
      case 'choice':
        return new Set(expression.options.flatMap((option) => [...walk(option, from)]));
      case 'repeat':
        return repeat(expression, from);
    }
  };
  const repeat = (
    { body, min, max }: Extract<Expression, { kind: 'repeat' }>,
    from: ReadonlySet<number>,
  ): ReadonlySet<number> => {
    const ends = new Set(min === 0 ? from : []);
    const most = max ?? Infinity;
    let at = from;
    for (let count = 1; at.size > 0 && count <= most; count += 1) {
      const next = walk(body, at);
      // A place that was reached by fewer repetitions is not gone on from again.
      at = count < min ? next : next.difference(ends);
      if (count >= min) for (const end of at) ends.add(end);
    }
    return ends;
  };
  try {
    return walk({ kind: 'rule', name: start }, new Set([0])).has(codes.length);
  } catch (error) {
    if (error instanceof RangeError) return true;
    throw error;
  }
}

function isIn(ranges: Extract<Expression, { kind: 'set' }>['ranges'], code: number | undefined): boolean {
  return code !== undefined && ranges.some(({ first, last }) => first <= code && code <= last);
}
