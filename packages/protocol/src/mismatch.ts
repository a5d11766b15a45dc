/** The first mismatch between a value and a schema, as the catalogue error that names its exact place. */
import { errors, type ProtocolError } from './errors.ts';
import { countCodePoints } from './json.ts';
import { hasType, isObject } from './json-type.ts';
import type { JsonSchema } from './schema.ts';

/**
 * Describes why `schema` refused `value`, which stands at `path` (empty for the body itself). Slow next to a check: for values that
 * a check has refused already.
 */
export function describeMismatch(schema: JsonSchema, value: unknown, path: string): ProtocolError {
  return find(schema, value, path) ?? errors.invalidValue(path, 'unexpected value.');
}

type Mismatch = ProtocolError | null;

function find(schema: JsonSchema, value: unknown, path: string): Mismatch {
  if (schema.anyOf) return findInUnion(flatten(schema.anyOf), value, path);
  if (schema.type === undefined) return null;
  if (!hasType(value, schema.type)) return errors.invalidType(path, withArticle(schema.type), nameOf(value));
  if (typeof value === 'string') return findInString(schema, value, path);
  if (typeof value === 'number') return findInNumber(schema, value, path);
  if (Array.isArray(value)) return findInArray(schema, value, path);
  if (isObject(value)) return findInObject(schema, value, path);
  return null;
}

function findInString(schema: JsonSchema, value: string, path: string): Mismatch {
  const known = valuesOf(schema);
  if (known) return known.includes(value) ? null : notOneOf(known, value, path);
  const { minLength = 0, maxLength = Infinity } = schema;
  const length = countCodePoints(value);
  if (length < minLength) return errors.invalidValue(path, 'expected a non-empty string.');
  if (length <= maxLength) return null;
  return errors.invalidValue(path, `expected at most ${maxLength} characters, but got ${length}.`);
}

/** The strings that a schema lists. */
function valuesOf(schema: JsonSchema): readonly string[] | undefined {
  return schema.const === undefined ? schema.enum : [schema.const];
}

function notOneOf(known: readonly string[], value: string, path: string): ProtocolError {
  const supported = known.map((name) => `'${name}'`).join(', ');
  return errors.invalidValue(path, `'${value.slice(0, 64)}' is not one of ${supported}.`);
}

function findInNumber({ minimum = -Infinity, maximum = Infinity }: JsonSchema, value: number, path: string): Mismatch {
  if (value >= minimum && value <= maximum) return null;
  const range = maximum === Infinity ? `${minimum} or more` : `a value from ${minimum} to ${maximum}`;
  return errors.invalidValue(path, `expected ${range}, but got ${value}.`);
}

function findInArray({ items, minItems = 0 }: JsonSchema, value: readonly unknown[], path: string): Mismatch {
  if (value.length < minItems) return errors.invalidValue(path, 'expected a non-empty array.');
  if (!items) return null;
  for (const [index, element] of value.entries()) {
    const found = find(items, element, `${path}[${index}]`);
    if (found) return found;
  }
  return null;
}

function findInObject(schema: JsonSchema, value: Record<string, unknown>, path: string): Mismatch {
  const { properties = {}, required = [] } = schema;
  for (const name of required) {
    if (value[name] === undefined) return errors.missing(join(path, name));
  }
  for (const [name, field] of Object.entries(properties)) {
    const found = value[name] === undefined ? null : find(field, value[name], join(path, name));
    if (found) return found;
  }
  return schema.additionalProperties ? findInMap(schema, value, path) : null;
}

function findInMap(schema: JsonSchema, value: Record<string, unknown>, path: string): Mismatch {
  const { additionalProperties = {}, propertyNames = {}, maxProperties = Infinity } = schema;
  const entries = Object.entries(value);
  if (entries.length > maxProperties) {
    return errors.invalidValue(path, `expected at most ${maxProperties} entries, but got ${entries.length}.`);
  }
  for (const [name, entry] of entries) {
    const place = join(path, name.slice(0, 64));
    const found = find(propertyNames, name, place) ?? find(additionalProperties, entry, place);
    if (found) return found;
  }
  return null;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** Nested unions as one list of alternatives. */
function flatten(schemas: readonly JsonSchema[]): readonly JsonSchema[] {
  return schemas.flatMap((schema) => (schema.anyOf ? flatten(schema.anyOf) : [schema]));
}

/** What is wrong with the alternative that the value was meant to be: the one of its JSON type, among objects of its `type`. */
function findInUnion(alternatives: readonly JsonSchema[], value: unknown, path: string): Mismatch {
  const fitting = alternatives.filter(({ type }) => type === undefined || hasType(value, type));
  const [first] = fitting;
  if (first === undefined) {
    const types = alternatives.flatMap(({ type }) => (type === undefined || type === 'null' ? [] : [type]));
    const expected = [...new Set(types)].map(withArticle).join(' or ');
    return errors.invalidType(path, expected, nameOf(value));
  }
  return fitting.length > 1 && isObject(value) ? findInTagged(fitting, value, path) : find(first, value, path);
}

/** Objects told apart by `type`, which one of them may leave out. */
function findInTagged(alternatives: readonly JsonSchema[], value: Record<string, unknown>, path: string): Mismatch {
  const place = join(path, 'type');
  const tag = value['type'];
  if (tag === undefined) {
    const untagged = alternatives.find(({ required }) => !required?.includes('type'));
    return untagged ? find(untagged, value, path) : errors.missing(place);
  }
  if (typeof tag !== 'string') return errors.invalidType(place, 'a string', nameOf(tag));
  const meant = alternatives.find((schema) => tagsOf(schema).includes(tag));
  return meant ? find(meant, value, path) : notOneOf(alternatives.flatMap(tagsOf), tag, place);
}

function tagsOf({ properties = {} }: JsonSchema): readonly string[] {
  return valuesOf(properties['type'] ?? {}) ?? [];
}

function withArticle(type: string): string {
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;
}

/** What a JSON value is, in words. */
export function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'number') return withArticle(typeof value);
  if (Number.isInteger(value)) return 'an integer';
  return Number.isFinite(value) ? 'a decimal' : 'a number too large';
}
