/** Whether a grammar can be followed from left to right, character by character: what llama.cpp takes for granted. */
import { broken, type Expression, type Grammar, unsupported } from './expression.ts';

/** Throws a `GrammarError` for rules that do not exist, for left recursion, and for repetitions of nothing. */
export function requireSound({ start, rules }: Grammar): void {
  const nullable = findNullable(rules);
  const isNullable = (expression: Expression): boolean => canBeEmpty(expression, nullable);
  for (const expression of rules.values()) requireFiniteRepeats(expression, isNullable);
  for (const name of [start, ...[...rules.values()].flatMap(namesIn)])
    if (!rules.has(name)) throw broken(`the rule '${name}', which is not there`);
  for (const name of rules.keys()) {
    const reached = new Set<string>();
    const pending = [name];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const expression = rules.get(next);
      for (const first of expression === undefined ? [] : firstNames(expression, isNullable)) {
        if (first === name) throw unsupported(`the rule '${name}', which begins with itself,`);
        if (!reached.has(first)) pending.push(first);
        reached.add(first);
      }
    }
  }
}

/** The rules that an empty text can match. */
function findNullable(rules: ReadonlyMap<string, Expression>): ReadonlySet<string> {
  const nullable = new Set<string>();
  for (let size = -1; size !== nullable.size;) {
    size = nullable.size;
    for (const [name, expression] of rules) if (canBeEmpty(expression, nullable)) nullable.add(name);
  }
  return nullable;
}

function canBeEmpty(expression: Expression, nullable: ReadonlySet<string>): boolean {
  switch (expression.kind) {
    case 'set':
      return false;
    case 'rule':
      return nullable.has(expression.name);
    case 'sequence':
      return expression.parts.every((part) => canBeEmpty(part, nullable));
    case 'choice':
      return expression.options.some((option) => canBeEmpty(option, nullable));
    case 'repeat':
      return expression.min === 0 || canBeEmpty(expression.body, nullable);
  }
}

function requireFiniteRepeats(expression: Expression, isNullable: (body: Expression) => boolean): void {
  if (expression.kind === 'repeat' && expression.max === null && isNullable(expression.body))
    throw unsupported('a repetition without end of what may be empty');
  for (const child of childrenOf(expression)) requireFiniteRepeats(child, isNullable);
}

/** The rules that a text of this expression may begin with. */
function firstNames(expression: Expression, isNullable: (part: Expression) => boolean): readonly string[] {
  if (expression.kind === 'rule') return [expression.name];
  if (expression.kind !== 'sequence') return childrenOf(expression).flatMap((child) => firstNames(child, isNullable));
  const firstSolid = expression.parts.findIndex((part) => !isNullable(part));
  const fronts = firstSolid === -1 ? expression.parts : expression.parts.slice(0, firstSolid + 1);
  return fronts.flatMap((part) => firstNames(part, isNullable));
}

function namesIn(expression: Expression): readonly string[] {
  return expression.kind === 'rule' ? [expression.name] : childrenOf(expression).flatMap(namesIn);
}

function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'set':
    case 'rule':
      return [];
    case 'sequence':
      return expression.parts;
    case 'choice':
      return expression.options;
    case 'repeat':
      return [expression.body];
  }
}
