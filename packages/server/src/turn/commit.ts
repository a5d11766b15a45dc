/** Writing down what a turn has made, before anybody hears that it is complete. */
import { errors, type Response } from '@longwire/protocol';
import type { ChainNode } from '../chain/node.ts';
import type { StoredResponse } from '../store/store.ts';
import type { Turn, TurnServices } from './turn.ts';

/**
 * Stores the response where it is to be stored, and adds the turn's items to its conversation, both in one transaction:
 * O(the turn). `node` is null for a response that failed: it can be retrieved, and nothing continues it.
 *
 * Throws `store_unavailable`, `conversation_locked` when another process wrote to the conversation meanwhile, `conversation_not_found`
 * when it was deleted, and `server_error` for a background response that somebody else has ended.
 */
export async function commitResponse(
  services: TurnServices,
  turn: Turn,
  response: Response,
  node: ChainNode | null,
): Promise<void> {
  const { store } = services;
  const { conversation, owner, request, stored } = turn;
  if (!store || !(stored || conversation)) return;
  const { project, body } = request;
  const items = node ? [...body.input, ...node.items.output] : [];
  const append = conversation && node ? { ...conversation.place, items } : null;
  let applied = true;
  if (stored) {
    applied = await store.put(toStored(turn, response, node), {
      ...(owner !== null && { owner }),
      ...(append && { append }),
    });
  } else if (append) {
    applied = await store.appendItems(project, append, items);
  }
  if (!applied && owner !== null && !conversation) throw errors.serverError(new Error('The lease was lost.'), turn.id);
  if (!applied && conversation) throw await services.conversations?.lost(project, conversation.place.id);
  if (conversation && node) conversation.advance(node, items.length);
}

/** The turn as it is written down, with its response as it stands now. `node`: what it came to; null where nothing continues it yet. */
export function toStored(
  { id, request, conversation }: Turn,
  response: Response,
  node: ChainNode | null,
): StoredResponse {
  const { project, parent, body } = request;
  return {
    id,
    project,
    // A conversation is a history of its own: its items are read in place of a parent's.
    parentId: conversation || (parent && node && standsAlone(node, parent)) ? null : (parent?.id ?? null),
    conversation: conversation?.place ?? null,
    createdAt: response.created_at,
    input: body.input,
    response,
  };
}

/** Whether a node that compacted its chain needs nothing of it any more: then the chain is read from here on, and no further back. */
function standsAlone(node: ChainNode, parent: ChainNode): boolean {
  return node.parent === null && parent.tools.length === 0 && parent.openCalls.length === 0;
}
