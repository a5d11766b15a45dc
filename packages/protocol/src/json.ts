/** JSON text of one frame or event. */
import { errors } from './errors.ts';

/** Parses a JSON object, once. Throws `invalid_json` for anything else. */
export function parseJsonObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw errors.invalidJson();
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw errors.invalidJson();
  return value as Record<string, unknown>;
}

/** A copy that shares nothing but strings with `value`. */
export function copyJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyJson) as T;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, copyJson(field)])) as T;
}
