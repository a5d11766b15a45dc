/** What the plain text of an argument stands for, by the schema of its parameter. */
import { parseJson } from './call-reader.ts';

/** Whether a parameter takes text and nothing else, as one without a schema is taken to do. */
export function isPlainText(schema: unknown): boolean {
  const types = toTypes(schema);
  return types.size === 0 || (types.size === 1 && types.has('string'));
}

/** An argument as JSON: of the first of the parameter's types that its text can be, else a string. */
export function toJsonValue(text: string, schema: unknown): string {
  const types = toTypes(schema);
  const trimmed = text.trim();
  const word = trimmed.toLowerCase();
  if (types.has('boolean') && (word === 'true' || word === 'false')) return word;
  if (types.has('null') && (word === 'null' || word === 'none')) return 'null';
  const value = trimmed === 'null' ? null : parseJson(trimmed);
  const isJson = value !== null || trimmed === 'null';
  const isFitting = isJson && types.has(typeOf(value));
  return isFitting || (isJson && !types.has('string')) ? trimmed : JSON.stringify(text);
}

/** The types that a schema allows; none where it does not say. */
function toTypes(schema: unknown): Set<string> {
  if (typeof schema !== 'object' || schema === null) return new Set();
  const type: unknown = Reflect.get(schema, 'type');
  const named = (Array.isArray(type) ? type : [type]).filter((each) => typeof each === 'string');
  const types = new Set(named.map((each) => (each === 'integer' ? 'number' : each)));
  for (const key of ['anyOf', 'oneOf', 'allOf']) {
    const members: unknown = Reflect.get(schema, key);
    if (Array.isArray(members)) for (const member of members) for (const each of toTypes(member)) types.add(each);
  }
  // A reference may be to anything.
  if (types.size === 0 && Reflect.get(schema, '$ref') !== undefined) return new Set(['object', 'array', 'string']);
  return types;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
