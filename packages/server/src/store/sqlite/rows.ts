/** Stored responses as rows of the table `responses`. */
import type { Item, Response } from '@longwire/protocol';
import type { ConversationPlace, StoredResponse } from '../store.ts';
import { decodeJson } from './executor.ts';
import type { Row } from './messages.ts';

/** The row of a stored response. O(the response), whatever it continues. */
export function encodeRow(stored: StoredResponse): Row {
  return {
    id: stored.id,
    project: stored.project,
    parent_id: stored.parentId,
    conversation_id: stored.conversation?.id ?? null,
    conversation_position: stored.conversation?.position ?? null,
    created_at: stored.createdAt,
    input: JSON.stringify(stored.input),
    response: JSON.stringify(stored.response),
  };
}

/** The stored response of a row that `encodeRow` made. Throws `store_unavailable` for a damaged one. */
export function decodeRow(row: Row): StoredResponse {
  return {
    id: String(row['id']),
    project: String(row['project']),
    parentId: parentOf(row),
    conversation: placeOf(row),
    createdAt: Number(row['created_at']),
    input: decodeJson(row['input']) as Item[],
    response: decodeJson(row['response']) as Response,
  };
}

function parentOf(row: Row): string | null {
  const parent = row['parent_id'];
  return typeof parent === 'string' ? parent : null;
}

function placeOf(row: Row): ConversationPlace | null {
  const id = row['conversation_id'];
  return typeof id === 'string' ? { id, position: Number(row['conversation_position']) } : null;
}

/**
 * Rows in any order as the chain that ends with `id`, root first; null where one is missing.
 * A row whose parent is in `until` is as good as a root: the caller holds the rest.
 */
export function orderChain(rows: readonly Row[], id: string, until: ReadonlySet<string>): readonly Row[] | null {
  const left = new Map(rows.map((row) => [String(row['id']), row]));
  const chain: Row[] = [];
  let next: string | null = id;
  while (next !== null && !until.has(next)) {
    const row = left.get(next);
    if (row === undefined) return null;
    // Taken out, so that a ring of parents ends as a missing row and not never.
    left.delete(next);
    chain.push(row);
    next = parentOf(row);
  }
  return chain.toReversed();
}
