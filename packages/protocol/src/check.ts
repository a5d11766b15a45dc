/** Checkers: a schema compiled at its first use, and the error of a value that it refuses. */
import type { ProtocolError } from './errors.ts';
import { countCodePoints } from './json.ts';
import { isObject } from './json-type.ts';
import { describeMismatch } from './mismatch.ts';
import type { JsonSchema, Schema, Static } from './schema.ts';

/** A compiled schema. */
export interface Checker<T> {
  /** Whether `value` has the shape. Builds no error. */
  readonly check: (value: unknown) => value is T;
  /** What is wrong with a value that `check` refused; `path` is where it stands, empty for a body itself. */
  readonly mismatch: (value: unknown, path: string) => ProtocolError;
  /** Returns a body that has the shape. Throws `missing_required_parameter`, `invalid_type` or `invalid_value` for any other. */
  readonly parse: (body: unknown) => T;
}

/** A checker of `schema`, compiled when it is first needed. */
export function createChecker<S extends Schema>(schema: S): Checker<Static<S>> {
  let compiled: Check | null = null;
  const check = (value: unknown): value is Static<S> => (compiled ??= compile(schema))(value);
  return {
    check,
    mismatch: (value, path) => describeMismatch(schema, value, path),
    parse(body) {
      if (check(body)) return body;
      throw describeMismatch(schema, body, '');
    },
  };
}

type Check = (value: unknown) => boolean;

function compile(schema: JsonSchema): Check {
  if (schema.anyOf) return compileUnion(schema.anyOf.map(compile));
  if (schema.const !== undefined) return (value) => value === schema.const;
  if (schema.enum) return compileEnum(new Set(schema.enum));
  switch (schema.type) {
    case undefined:
      return () => true;
    case 'null':
      return (value) => value === null;
    case 'boolean':
      return (value) => typeof value === 'boolean';
    case 'integer':
      return compileRange(schema, Number.isInteger);
    case 'number':
      return compileRange(schema, Number.isFinite);
    case 'string':
      return compileString(schema);
    case 'array':
      return compileArray(schema);
    case 'object':
      return compileObject(schema);
  }
}

function compileUnion(alternatives: readonly Check[]): Check {
  return (value) => {
    for (const check of alternatives) if (check(value)) return true;
    return false;
  };
}

function compileEnum(values: ReadonlySet<unknown>): Check {
  return (value) => values.has(value);
}

function compileRange({ minimum = -Infinity, maximum = Infinity }: JsonSchema, isNumber: Check): Check {
  return (value) => isNumber(value) && (value as number) >= minimum && (value as number) <= maximum;
}

function compileString({ minLength = 0, maxLength = Infinity }: JsonSchema): Check {
  if (minLength === 0 && maxLength === Infinity) return (value) => typeof value === 'string';
  return (value) => typeof value === 'string' && hasLength(value, minLength, maxLength);
}

/** A string of n code points has n to 2n UTF-16 units: counting them is seldom needed. */
function hasLength(value: string, minimum: number, maximum: number): boolean {
  if (value.length > maximum * 2) return false;
  if (value.length >= minimum * 2 && value.length <= maximum) return true;
  const length = countCodePoints(value);
  return length >= minimum && length <= maximum;
}

function compileArray({ items, minItems = 0 }: JsonSchema): Check {
  const checkItem = items ? compile(items) : () => true;
  return (value) => {
    if (!Array.isArray(value) || value.length < minItems) return false;
    for (const element of value) if (!checkItem(element)) return false;
    return true;
  };
}

function compileObject(schema: JsonSchema): Check {
  const { properties = {}, required = [] } = schema;
  const fields = new Map(Object.entries(properties).map(([name, field]) => [name, compile(field)]));
  const checkEntries = compileEntries(schema);
  return (value) => {
    if (!isObject(value)) return false;
    // Over what the value has: an envelope knows 35 fields, and a request sends six of them.
    for (const name in value) {
      const field = value[name];
      if (field !== undefined && fields.get(name)?.(field) === false) return false;
    }
    for (const name of required) if (value[name] === undefined) return false;
    return checkEntries === null || checkEntries(value);
  };
}

/** The check of a map's entries; null for objects whose other fields are free. */
function compileEntries({ additionalProperties, propertyNames, maxProperties = Infinity }: JsonSchema) {
  if (!additionalProperties) return null;
  const checkName = propertyNames ? compile(propertyNames) : () => true;
  const checkEntry = compile(additionalProperties);
  return (value: Record<string, unknown>) => {
    const names = Object.keys(value);
    return names.length <= maxProperties && names.every((name) => checkName(name) && checkEntry(value[name]));
  };
}
