/** Everything that the model saw before it answered, but the instructions (dossier L.1 `input_items`). */
import { errors, type Item } from '@longwire/protocol';
import type { Store, StoredResponse } from '../store/store.ts';
import { isCompaction } from './node.ts';
import { isUnfinished } from './unfinished.ts';

/**
 * The input of a stored response, oldest first: its history, then its own. Where an ancestor was deleted only its own is left.
 * For listings: it reads the whole chain. Throws `response_not_found`.
 */
export async function readInputItems(store: Store | null, project: string, id: string): Promise<readonly Item[]> {
  const stored = await store?.get(project, id);
  if (!store || !stored) throw errors.responseNotFound(id);
  const own = (await store.chain(project, id)) ?? [stored];
  const chain = own.length === 1 ? [...(await readForgotten(store, stored)), stored] : own;
  const place = chain[0]?.conversation;
  const items = [...(place ? await store.itemsBefore(project, place) : [])];
  for (const { id: nodeId, input, response } of chain) {
    items.push(...input);
    if (nodeId !== id) items.push(...response.output.filter((item) => !isUnfinished(item)));
  }
  const start = items.findLastIndex(isCompaction);
  return start === -1 ? items : items.slice(start);
}

/** What a response that compacted its chain had before it: the chain itself is read from there on only. */
async function readForgotten(store: Store, { project, response }: StoredResponse): Promise<readonly StoredResponse[]> {
  const { output, previous_response_id: previous } = response;
  if (previous === null || !output.some(isCompaction)) return [];
  return (await store.chain(project, previous)) ?? [];
}
