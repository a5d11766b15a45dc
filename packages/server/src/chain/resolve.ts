/** From a `previous_response_id` to the node that it names (dossier D.4). */
import { errors } from '@longwire/protocol';
import type { Store } from '../store/store.ts';
import { createNode, type ChainNode } from './node.ts';
import type { RecentNodes } from './recent.ts';

/** Where nodes are found that no lane holds. */
export interface NodeSources {
  /** Null when nothing is stored on this server. */
  readonly store: Store | null;
  readonly recent: RecentNodes;
}

/**
 * The node of a stored response, hydrated with its ancestors where it is not in memory.
 * Throws `previous_response_not_found`, with the same words for a missing id and for another project's, and `store_unavailable`.
 */
export async function resolveStoredNode(sources: NodeSources, project: string, id: string): Promise<ChainNode> {
  const known = sources.recent.get(project, id);
  if (known) return known;
  const chain = await sources.store?.chain(project, id);
  if (!chain) throw errors.previousResponseNotFound(id);
  let node: ChainNode | null = null;
  for (const { id: nodeId, input, response } of chain) {
    // A node that is in memory already has its prepared contexts: a fork from the store shares them.
    const shared = sources.recent.get(project, nodeId);
    node =
      shared ??
      createNode(
        { id: nodeId, project, parent: node, stored: true, model: response.model, input, output: response.output },
        null,
      );
  }
  if (!node) throw errors.previousResponseNotFound(id);
  sources.recent.add(node);
  return node;
}
