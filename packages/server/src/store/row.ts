/** A stored response as one row, the same for every store that keeps rows. */
import type { Item, Response } from '@longwire/protocol';
import type { StoredResponse } from './store.ts';

/** Columns of the table `responses`. */
export interface ResponseRow {
  readonly id: string;
  readonly project: string;
  readonly parent_id: string | null;
  readonly created_at: number;
  /** JSON. */
  readonly input: string;
  /** JSON. */
  readonly response: string;
}

/** The row of a stored response. O(the response), whatever it continues. */
export function encodeRow(stored: StoredResponse): ResponseRow {
  return {
    id: stored.id,
    project: stored.project,
    parent_id: stored.parentId,
    created_at: stored.createdAt,
    input: JSON.stringify(stored.input),
    response: JSON.stringify(stored.response),
  };
}

/** The stored response of a row that `encodeRow` made. */
export function decodeRow(row: ResponseRow): StoredResponse {
  return {
    id: row.id,
    project: row.project,
    parentId: row.parent_id,
    createdAt: row.created_at,
    input: JSON.parse(row.input) as Item[],
    response: JSON.parse(row.response) as Response,
  };
}

/**
 * Rows in any order as the chain that ends with `id`, root first; null where one is missing.
 * A row whose parent is in `until` is as good as a root: the caller holds the rest.
 */
export function orderChain(
  rows: readonly ResponseRow[],
  id: string,
  until: ReadonlySet<string>,
): readonly ResponseRow[] | null {
  const left = new Map(rows.map((row) => [row.id, row]));
  const chain: ResponseRow[] = [];
  let next: string | null = id;
  while (next !== null && !until.has(next)) {
    const row = left.get(next);
    if (row === undefined) return null;
    // Taken out, so that a ring of parents ends as a missing row and not never.
    left.delete(next);
    chain.push(row);
    next = row.parent_id;
  }
  return chain.toReversed();
}
