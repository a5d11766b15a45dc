/** Items on their way into the store and out of it: an id for each, and references resolved (dossier B.1.1, L.1). */
import { createItemId, errors, type Item } from '@longwire/protocol';
import type { Store } from '../store/store.ts';

/** The items, each with an id: everything that is listed has one. O(items); those that have one are kept as they are. */
export function identifyItems(items: readonly Item[], ownerId: string, nowMs: number): Item[] {
  return items.map((item) => {
    if ('id' in item && typeof item.id === 'string' && item.id !== '') return item;
    return { ...item, id: createItemId(prefixes[item.type] ?? 'item', ownerId, nowMs) };
  });
}

const prefixes: Readonly<Record<string, string>> = {
  message: 'msg',
  reasoning: 'rs',
  function_call: 'fc',
  function_call_output: 'fco',
  custom_tool_call: 'ctc',
  custom_tool_call_output: 'ctco',
  compaction: 'cmp',
};

/** Whether an item stands for a stored one. */
export function hasReferences(items: readonly Item[]): boolean {
  return items.some((item) => item.type === 'item_reference');
}

/**
 * The items with each `item_reference` replaced by the stored item of the same project; the array itself where there is none.
 * One read for all of them. Throws `item_not_found`.
 */
export async function resolveReferences(
  store: Store | null,
  project: string,
  items: readonly Item[],
): Promise<readonly Item[]> {
  const ids = items.flatMap((item) => (item.type === 'item_reference' ? [item.id] : []));
  if (ids.length === 0) return items;
  const found = (await store?.findItems(project, ids)) ?? new Map<string, Item>();
  return items.map((item) => {
    if (item.type !== 'item_reference') return item;
    const referenced = found.get(item.id);
    if (!referenced) throw errors.itemNotFound(item.id);
    return referenced;
  });
}
