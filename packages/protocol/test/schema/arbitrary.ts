/** Random values for a schema: right ones, and right ones with one thing wrong. */
import fc from 'fast-check';
import type { JsonSchema } from '../../src/schema.ts';

/** Values that `schema` accepts. */
export function arbitraryOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(arbitraryOf));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case undefined:
      return fc.jsonValue({ maxDepth: 1 });
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -9, max: schema.maximum ?? 9 });
    case 'number':
      return fc.double({ min: schema.minimum ?? -9, max: schema.maximum ?? 9, noNaN: true });
    case 'string':
      return fc.string({
        minLength: schema.minLength ?? 0,
        maxLength: Math.min(schema.maxLength ?? 8, 8),
        unit: 'grapheme',
      });
    case 'array':
      return fc.array(arbitraryOf(schema.items ?? {}), { minLength: schema.minItems ?? 0, maxLength: 3 });
    case 'object':
      return arbitraryObject(schema);
  }
}

function arbitraryObject({ properties = {}, required = [], additionalProperties, ...map }: JsonSchema) {
  const fields = Object.entries(properties).map(([name, field]) => [name, arbitraryOf(field)] as const);
  const known = fc.record(Object.fromEntries(fields), { requiredKeys: [...required] });
  if (!additionalProperties) return known;
  const key = arbitraryOf(map.propertyNames ?? { type: 'string' }) as fc.Arbitrary<string>;
  return fc.dictionary(key, arbitraryOf(additionalProperties), { maxKeys: Math.min(map.maxProperties ?? 3, 3) });
}

/** Values that are almost of `schema`: one place somewhere inside is replaced or gone. */
export function arbitraryAlmost(schema: JsonSchema): fc.Arbitrary<unknown> {
  const odd = fc.oneof(
    fc.jsonValue({ maxDepth: 1 }),
    fc.constantFrom('x'.repeat(65), '\u{1f600}'.repeat(513), Infinity, -1, 2.5, 1000, [], {}, { type: 'nonsense' }, ''),
    fc.constant(undefined),
  );
  return fc.tuple(arbitraryOf(schema), odd, fc.infiniteStream(fc.nat(6))).map(([value, replacement, steps]) => {
    return corrupt(value, replacement, () => Number(steps.next().value)) ?? null;
  });
}

function corrupt(value: unknown, replacement: unknown, step: () => number): unknown {
  if (typeof value !== 'object' || value === null || step() === 0) return replacement;
  const keys = Object.keys(value);
  const key = keys[step() % Math.max(1, keys.length)];
  if (key === undefined) return replacement;
  const inner = corrupt(Reflect.get(value, key), replacement, step);
  if (Array.isArray(value))
    return value.map((element: unknown, index) => (String(index) === key ? (inner ?? null) : element));
  const { [key]: _, ...rest } = value as Record<string, unknown>;
  return inner === undefined ? rest : { ...value, [key]: inner };
}
