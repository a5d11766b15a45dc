/** The first mismatch between a value and a schema, as the catalogue error that names its exact place. */
import { countCodePoints, isObject } from './check.ts';
import { errors, type ProtocolError } from './errors.ts';
import type { JsonSchema } from './schema.ts';

/** Describes why `schema` refused `value`. `path` is where the value stands, empty for the body itself. */
export function describeMismatch(schema: JsonSchema, value: unknown, path: string): ProtocolError {
  return mismatch(schema, value, path) ?? errors.invalidValue(path, 'unexpected value.');
}

function mismatch(shape: JsonSchema, value: unknown, path: string): ProtocolError | null {
  if (shape.anyOf) return mismatchOfUnion(flatten(shape.anyOf), value, path);
  if (shape.enum) return shape.enum.includes(value) ? null : notOneOf(shape.enum, value, path);
  if (shape.const !== undefined) return shape.const === value ? null : notOneOf([shape.const], value, path);
  if (shape.type === undefined) return null;
  if (!hasType(value, shape.type)) return errors.invalidType(path, nameOfType(shape.type), nameOf(value));
  if (typeof value === 'string') return mismatchOfLength(shape, value, path);
  if (typeof value === 'number') return mismatchOfRange(shape, value, path);
  if (Array.isArray(value)) return mismatchOfArray(shape, value, path);
  if (isObject(value)) return mismatchOfObject(shape, value, path);
  return null;
}

function mismatchOfLength({ minLength = 0, maxLength = Infinity }: JsonSchema, value: string, path: string) {
  const length = countCodePoints(value);
  if (length < minLength) return errors.invalidValue(path, 'expected a non-empty string.');
  if (length <= maxLength) return null;
  return errors.invalidValue(path, `expected at most ${maxLength} characters, but got ${length}.`);
}

function mismatchOfRange({ minimum = -Infinity, maximum = Infinity }: JsonSchema, value: number, path: string) {
  if (value >= minimum && value <= maximum) return null;
  const range = maximum === Infinity ? `${minimum} or more` : `a value from ${minimum} to ${maximum}`;
  return errors.invalidValue(path, `expected ${range}, but got ${value}.`);
}

function mismatchOfArray(shape: JsonSchema, value: readonly unknown[], path: string): ProtocolError | null {
  if (value.length < (shape.minItems ?? 0)) return errors.invalidValue(path, 'expected a non-empty array.');
  if (!shape.items) return null;
  for (const [index, element] of value.entries()) {
    const found = mismatch(shape.items, element, `${path}[${index}]`);
    if (found) return found;
  }
  return null;
}

function mismatchOfObject(shape: JsonSchema, value: Record<string, unknown>, path: string): ProtocolError | null {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  for (const name of shape.required ?? []) {
    if (!Object.hasOwn(value, name)) return errors.missing(at(name));
  }
  for (const [name, field] of Object.entries(shape.properties ?? {})) {
    if (!Object.hasOwn(value, name)) continue;
    const found = mismatch(field, value[name], at(name));
    if (found) return found;
  }
  return mismatchOfEntries(shape, value, path, at);
}

/** Maps with free keys, such as `metadata`. */
function mismatchOfEntries(shape: JsonSchema, value: Record<string, unknown>, path: string, at: (name: string) => string) {
  const names = Object.keys(value);
  const { maxProperties = Infinity, propertyNames, additionalProperties } = shape;
  if (names.length > maxProperties) {
    return errors.invalidValue(path, `expected at most ${maxProperties} entries, but got ${names.length}.`);
  }
  for (const name of names) {
    if (shape.properties && Object.hasOwn(shape.properties, name)) continue;
    const found =
      (propertyNames && mismatch(propertyNames, name, at(name))) ??
      (additionalProperties && mismatch(additionalProperties, value[name], at(name)));
    if (found) return found;
  }
  return null;
}

/** Nested unions as one list of alternatives. */
function flatten(shapes: readonly JsonSchema[]): readonly JsonSchema[] {
  return shapes.flatMap((shape) => (shape.anyOf ? flatten(shape.anyOf) : [shape]));
}

/** Says what is wrong with the alternative that the value was meant to be: the one of its JSON type, then of its `type`. */
function mismatchOfUnion(shapes: readonly JsonSchema[], value: unknown, path: string): ProtocolError | null {
  const fitting = shapes.filter((shape) => typesOf(shape).some((type) => hasType(value, type)));
  const [only] = fitting;
  if (only === undefined) {
    const expected = new Set(
      shapes
        .filter((shape) => shape.type !== 'null')
        .flatMap(typesOf)
        .map(nameOfType),
    );
    return errors.invalidType(path, [...expected].join(' or '), nameOf(value));
  }
  if (fitting.length === 1) return mismatch(only, value, path);
  if (isObject(value)) return mismatchOfTagged(fitting, value, path);
  const values = fitting.flatMap((shape) => shape.enum ?? (shape.const === undefined ? [] : [shape.const]));
  return values.length > 0 ? notOneOf(values, value, path) : mismatch(only, value, path);
}

/** Objects told apart by `type`, which some may leave out. */
function mismatchOfTagged(
  shapes: readonly JsonSchema[],
  value: Record<string, unknown>,
  path: string,
): ProtocolError | null {
  const tag = value['type'];
  const meant = shapes.find((shape) => {
    const expected = shape.properties?.['type'];
    if (tag === undefined) return expected !== undefined && !shape.required?.includes('type');
    return expected !== undefined && mismatch(expected, tag, '') === null;
  });
  if (meant) return mismatch(meant, value, path);
  const at = path === '' ? 'type' : `${path}.type`;
  if (tag === undefined) return errors.missing(at);
  if (typeof tag !== 'string') return errors.invalidType(at, 'a string', nameOf(tag));
  const known = shapes.flatMap(({ properties }) => properties?.['type']?.enum ?? [properties?.['type']?.const]);
  return notOneOf(known, tag, at);
}

/** A string of one of some values; what is no string at all gets the error of its type instead. */
function notOneOf(values: readonly unknown[], value: unknown, path: string): ProtocolError {
  const [sample] = values;
  if (typeof value !== typeof sample) return errors.invalidType(path, nameOfType(typeof sample), nameOf(value));
  const supported = values.map((supportedValue) => `'${String(supportedValue)}'`).join(', ');
  return errors.invalidValue(path, `'${String(value).slice(0, 64)}' is not one of ${supported}.`);
}

/** JSON types that a shape may have. */
function typesOf(shape: JsonSchema): string[] {
  if (shape.type !== undefined) return [shape.type];
  return [...new Set((shape.enum ?? [shape.const]).map((value) => typeof value))];
}

function hasType(value: unknown, type: string): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function nameOfType(type: string): string {
  return type === 'null' ? 'null' : `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;
}

/** What a JSON value is, for people. */
export function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a decimal';
  return nameOfType(typeof value);
}
