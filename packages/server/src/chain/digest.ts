/**
 * A history as one hash, and the same hash for all ways in which clients echo it (docs/decisions/0012).
 *
 * SHA-256 over what a model sees of each item, chained: two histories with the same digest are the same history, so nothing is
 * compared behind a hit. What clients add, drop or write otherwise without any model noticing does not count.
 */
import { hash } from 'node:crypto';
import { toSeen, type Item } from '@longwire/protocol';

/** A digest of some items in a row, in hexadecimal. */
export type Digest = string;

/** The digest of no items. */
export const emptyDigest: Digest = hash('sha256', '');

/** The digest of a history with one more item: O(item). Items that no model sees leave it as it is. */
export function addToDigest(digest: Digest, item: Item): Digest {
  const seen = toSeen(item);
  // A digest has a fixed length, and the text behind it is JSON: no two pairs of them give the same input.
  return seen === null ? digest : hash('sha256', digest + JSON.stringify(seen));
}

/** Whether a model wrote the item: it joins what the model wrote before it. */
export function isModelMade(item: Item): boolean {
  return item.type === 'message' ? item.role === 'assistant' : modelMade.has(item.type);
}

const modelMade: ReadonlySet<string> = new Set([
  'reasoning',
  'function_call',
  'custom_tool_call',
  'local_shell_call',
  'shell_call',
  'apply_patch_call',
  'computer_call',
  'tool_search_call',
  'mcp_call',
]);
