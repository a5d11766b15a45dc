/** JSON: text to objects. */
import { errors } from './errors.ts';
import { isObject } from './json-type.ts';

/** Levels of nesting that a body may have: more than any tool's schema, and far from where writing it again overflows the stack. */
const maxLevels = 256;

/** Parses a JSON object, once. Throws `invalid_json` for anything else, and `invalid_request` for one nested too deep. */
export function parseJsonObject(text: string): Record<string, unknown> {
  const value = parseJsonObjectOfAnyDepth(text);
  requireShallow(value);
  return value;
}

/** The same for any nesting. Throws `invalid_json`. */
export function parseJsonObjectOfAnyDepth(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw errors.invalidJson();
  }
  if (!isObject(value)) throw errors.invalidJson();
  return value;
}

/** Throws `invalid_request` for a value that is nested too deep. O(value), and a small part of what parsing it has cost. */
export function requireShallow(value: unknown): void {
  if (isDeeper(value, maxLevels)) throw errors.invalidRequest(`The JSON is nested more than ${maxLevels} levels deep.`);
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) {
    for (const element of value) if (isDeeper(element, levels - 1)) return true;
    return false;
  }
  for (const name in value) if (isDeeper((value as Record<string, unknown>)[name], levels - 1)) return true;
  return false;
}

/** A copy that shares nothing but strings with `value`. */
export function copyJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyJson) as T;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, copyJson(field)])) as T;
}

/** The length of a string as JSON Schema counts it. */
export function countCodePoints(value: string): number {
  let count = 0;
  for (const _ of value) count++;
  return count;
}
