/**
 * Schemas: plain JSON Schema objects that carry the TypeScript type of what they accept.
 *
 * The vocabulary is TypeBox's. TypeBox itself would cost every process that imports this package some 250 ms of loading; the dozen
 * keywords that the protocol needs fit in here and in `check.ts`, and tests hold both to TypeBox's verdict.
 */

import type { JsonType } from './json-type.ts';

declare const described: unique symbol;
const optional: unique symbol = Symbol('optional');

/** The JSON Schema keywords that we use. */
export interface JsonSchema {
  readonly type?: JsonType;
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  /** Schema of the fields that are not in `properties`; without it any pass. */
  readonly additionalProperties?: JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly maxProperties?: number;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  /** Code points, as in JSON Schema. */
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** A schema that accepts values of type `T`. */
export interface Schema<T = unknown> extends JsonSchema {
  readonly [described]: T;
}

/** A schema of a field that may be missing. */
export interface OptionalSchema<T = unknown> extends Schema<T> {
  readonly [optional]: true;
}

/** A schema of an object, with the schemas of its fields. */
export interface ObjectSchema<P extends Fields = Fields> extends Schema<ObjectOf<P>> {
  readonly properties: P;
}

/** Schemas of an object's fields by name. */
export type Fields = Readonly<Record<string, Schema>>;

/** What a schema accepts. */
export type Static<S extends Schema> = S[typeof described];

type IsOptional<S> = S extends { readonly [optional]: true } ? true : false;
type RequiredOf<P extends Fields> = {
  -readonly [K in keyof P as IsOptional<P[K]> extends true ? never : K]: Static<P[K]>;
};
type OptionalOf<P extends Fields> = {
  -readonly [K in keyof P as IsOptional<P[K]> extends true ? K : never]?: Static<P[K]>;
};
/** One flat object type, so that the compiler shows its fields and not how it was made. */
type ObjectOf<P extends Fields> = RequiredOf<P> & OptionalOf<P> extends infer O ? { [K in keyof O]: O[K] } : never;

/** The type of a schema exists for the compiler only. */
function describe<T>(schema: JsonSchema): Schema<T> {
  return schema as Schema<T>;
}

function createObject<P extends Fields>(properties: P): ObjectSchema<P> {
  const required = Object.keys(properties).filter((name) => !Object.hasOwn(properties[name] as object, optional));
  return describe<ObjectOf<P>>({ type: 'object', properties, required }) as ObjectSchema<P>;
}

/** The vocabulary of our schemas. */
export const Type = {
  Unknown: () => describe<unknown>({}),
  Null: () => describe<null>({ type: 'null' }),
  Boolean: () => describe<boolean>({ type: 'boolean' }),
  Integer: (range: Pick<JsonSchema, 'minimum' | 'maximum'> = {}) => describe<number>({ type: 'integer', ...range }),
  /** Finite, as every number of JSON is. */
  Number: (range: Pick<JsonSchema, 'minimum' | 'maximum'> = {}) => describe<number>({ type: 'number', ...range }),
  String: (length: Pick<JsonSchema, 'minLength' | 'maxLength'> = {}) => describe<string>({ type: 'string', ...length }),
  Literal: <const T extends string>(value: T) => describe<T>({ type: 'string', const: value }),
  /** One of some strings. */
  Enum: <const T extends string>(values: readonly T[]) => describe<T>({ type: 'string', enum: values }),
  Array: <S extends Schema>(items: S, size: Pick<JsonSchema, 'minItems'> = {}) =>
    describe<Static<S>[]>({ type: 'array', items, ...size }),
  /** An object with these fields, and with any others. */
  Object: createObject,
  /** An object with entries of any name. */
  Map: <S extends Schema>(entry: S, limits: Pick<JsonSchema, 'maxProperties' | 'propertyNames'> = {}) =>
    describe<Record<string, Static<S>>>({ type: 'object', additionalProperties: entry, ...limits }),
  Union: <const S extends readonly Schema[]>(anyOf: S) => describe<Static<S[number]>>({ anyOf }),
  /** `T | null`. */
  Nullable: <S extends Schema>(schema: S) => describe<Static<S> | null>({ anyOf: [schema, { type: 'null' }] }),
  /** A field that may be missing. */
  Optional: <S extends Schema>(schema: S) => ({ ...schema, [optional]: true }) as OptionalSchema<Static<S>>,
  /** A field that may be missing or null: most settings of the Responses API. */
  Maybe: <S extends Schema>(schema: S) => Type.Optional(Type.Nullable(schema)) as OptionalSchema<Static<S> | null>,
  /** A schema that checks less than the type `T` says. */
  Unsafe: <T>(schema: JsonSchema) => describe<T>(schema),
  /** A string, usually one of some known ones: sets that the protocol leaves open. */
  Open: <const T extends string>(_known: readonly T[]) => describe<T | (string & {})>({ type: 'string' }),
};

/** An object with fields of any name and kind. */
export const AnyObject = Type.Map(Type.Unknown());
export type AnyObject = Static<typeof AnyObject>;

/** The schema `base` with some fields replaced or added. */
export function extend<B extends Fields, P extends Fields>(
  base: ObjectSchema<B>,
  fields: P,
): ObjectSchema<Omit<B, keyof P> & P> {
  return createObject({ ...base.properties, ...fields }) as ObjectSchema<Omit<B, keyof P> & P>;
}

/**
 * Type of a name that this version does not know. Open Responses asks extensions to be called `slug:name`; typing every unknown
 * name so keeps unions narrow: comparing `type` with a known name leaves the known member only.
 */
export type UnknownName = `${string}:${string}`;

/** Something of a type that we do not know, kept as it came. */
export interface Opaque {
  type: UnknownName;
  [field: string]: unknown;
}
