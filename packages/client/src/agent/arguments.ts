/** Arguments of a call: their type, and whether they are what the tool's schema says. */
import { hasType, isObject } from '@longwire/protocol/json-type';
import type { JsonType } from '@longwire/protocol/json-type';

/** The part of JSON Schema that is read here; everything else in a schema is for the model alone. */
export interface JsonSchema {
  readonly type?: JsonType;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly [keyword: string]: unknown;
}

/** The values that a schema describes, as far as `findMismatch` checks it; `unknown` beyond. */
export type ValueOf<Schema> = Schema extends { readonly enum: readonly (infer Member)[] }
  ? Member
  : Schema extends { readonly const: infer Value }
    ? Value
    : Schema extends { readonly type: keyof Scalars }
      ? Scalars[Schema['type']]
      : Schema extends { readonly type: 'array' }
        ? (Schema extends { readonly items: infer Element } ? ValueOf<Element> : unknown)[]
        : Schema extends { readonly type: 'object' }
          ? ObjectOf<Schema>
          : unknown;

interface Scalars {
  string: string;
  number: number;
  integer: number;
  boolean: boolean;
  null: null;
}

type ObjectOf<Schema> = Schema extends { readonly properties: infer Properties }
  ? {
      [Name in keyof Properties as Name extends RequiredOf<Schema> ? Name : never]: ValueOf<Properties[Name]>;
    } & {
      [Name in keyof Properties as Name extends RequiredOf<Schema> ? never : Name]?: ValueOf<Properties[Name]>;
    }
  : Record<string, unknown>;

type RequiredOf<Schema> = Schema extends { readonly required: readonly (infer Name)[] } ? Name : never;

/** The object that the model wrote. Throws an `Error` for the model where it wrote none, or not what the schema asks for. */
export function parseArguments(json: string, schema: JsonSchema): Record<string, unknown> {
  let value: unknown;
  try {
    // Many models leave out the object of a tool that takes nothing.
    value = JSON.parse(json.trim() === '' ? '{}' : json);
  } catch (error) {
    throw new Error(`The arguments are not valid JSON: ${(error as Error).message}.`, { cause: error });
  }
  if (!isObject(value)) throw new Error('The arguments must be a JSON object.');
  const mismatch = findMismatch(schema, value, '');
  if (mismatch !== null) throw new Error(mismatch);
  return value;
}

/** Where a value is not what its schema says, as a sentence; null where it is. `path` names the value. */
export function findMismatch(schema: JsonSchema, value: unknown, path: string): string | null {
  const name = path === '' ? 'The arguments' : `'${path}'`;
  if (schema.enum && !schema.enum.includes(value)) return `${name} must be one of ${JSON.stringify(schema.enum)}.`;
  if ('const' in schema && schema.const !== value) return `${name} must be ${JSON.stringify(schema.const)}.`;
  if (schema.type !== undefined && !hasType(value, schema.type)) return `${name} must be of type ${schema.type}.`;
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  if (Array.isArray(value)) {
    const { items } = schema;
    return items
      ? first(value.entries(), ([index, element]) => findMismatch(items, element, `${path}[${index}]`))
      : null;
  }
  if (!isObject(value)) return null;
  const missing = schema.required?.find((key) => !Object.hasOwn(value, key));
  if (missing !== undefined) return `'${at(missing)}' is missing.`;
  return first(Object.entries(schema.properties ?? {}), ([key, property]) =>
    Object.hasOwn(value, key) ? findMismatch(property, value[key], at(key)) : null,
  );
}

function first<T>(values: Iterable<T>, find: (value: T) => string | null): string | null {
  for (const value of values) {
    const found = find(value);
    if (found !== null) return found;
  }
  return null;
}
