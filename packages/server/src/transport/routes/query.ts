/** What stands behind the `?` of a request, checked (dossier L.1). */
import { errors, Includable } from '@longwire/protocol';
import type { PageRequest } from '../../store/store.ts';

/** A parsed query: a name given twice has an array. */
export type Query = Readonly<Record<string, unknown>>;

const defaultLimit = 20;
const maxLimit = 100;

/** `after`, `limit` (1–100, 20) and `order` (`desc`). Throws `invalid_value`. */
export function parsePage(query: Query): PageRequest {
  const { after, order = 'desc' } = query;
  if (order !== 'asc' && order !== 'desc') throw errors.invalidValue('order', "expected 'asc' or 'desc'.");
  if (after !== undefined && typeof after !== 'string') throw errors.invalidValue('after', 'expected one id.');
  const limit = parseInteger(query, 'limit', 1, maxLimit) ?? defaultLimit;
  return { after: after ?? null, limit, order };
}

/** A whole number of a query, null where it is missing. Throws `invalid_value`. */
export function parseInteger(query: Query, name: string, min: number, max: number): number | null {
  const value = query[name];
  if (value === undefined) return null;
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : NaN;
  if (number >= min && number <= max) return number;
  throw errors.invalidValue(name, `expected a whole number between ${min} and ${max}.`);
}

/** A switch of a query. Throws `invalid_value`. */
export function parseSwitch(query: Query, name: string, byDefault: boolean): boolean {
  const value = query[name];
  if (value === undefined) return byDefault;
  if (value === 'true' || value === 'false') return value === 'true';
  throw errors.invalidValue(name, "expected 'true' or 'false'.");
}

/** `include` or `include[]`, once or many times. Throws `invalid_value` for what nothing can include. */
export function parseInclude(query: Query): ReadonlySet<Includable> {
  const given = ['include', 'include[]'].flatMap((name) => {
    const value = query[name];
    return value === undefined ? [] : Array.isArray(value) ? (value as unknown[]) : [value];
  });
  for (const name of given) {
    if (!known.has(name)) throw errors.invalidValue('include', `expected one of ${[...known].join(', ')}.`);
  }
  return new Set(given as Includable[]);
}

const known: ReadonlySet<unknown> = new Set(Includable.enum);
