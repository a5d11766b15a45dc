/** From a `previous_response_id` to the node that it names (dossier D.4). */
import { errors } from '@longwire/protocol';
import type { Store } from '../store/store.ts';
import { readHistory } from './conversations.ts';
import { createNode, type ChainNode } from './node.ts';
import type { RecentNodes } from './recent.ts';
import { tokensAfter } from './tokens.ts';
import { isUnfinished } from './unfinished.ts';

/** Where nodes are found that no lane holds. */
export interface NodeSources {
  /** Null when nothing is stored on this server. */
  readonly store: Store | null;
  readonly recent: RecentNodes;
}

/** What can be continued: not what runs or has failed. */
const isOver: ReadonlySet<string> = new Set(['completed', 'incomplete', 'cancelled']);

/**
 * The node of a stored response, hydrated with its ancestors where it is not in memory.
 * Throws `previous_response_not_found`, with the same words for a missing id and for another project's, and `store_unavailable`.
 */
export async function resolveStoredNode(sources: NodeSources, project: string, id: string): Promise<ChainNode> {
  const known = sources.recent.get(project, id);
  if (known) return known;
  const { store } = sources;
  const chain = await store?.chain(project, id);
  const [root] = chain ?? [];
  const newest = chain?.at(-1);
  if (!store || !chain || !root || !newest || !isOver.has(newest.response.status)) {
    throw errors.previousResponseNotFound(id);
  }
  let node: ChainNode | null = root.conversation && (await readHistory(store, project, root.conversation));
  for (const { id: nodeId, input, response } of chain) {
    // A node that is in memory already has its prepared contexts: a fork from the store shares them.
    const shared = sources.recent.get(project, nodeId);
    const parent: ChainNode | null = node;
    const output = response.output.filter((item) => !isUnfinished(item));
    const tokens = tokensAfter(parent?.tokens ?? 0, input, response);
    const { model } = response;
    node = shared ?? createNode({ id: nodeId, project, parent, stored: true, model, input, output, tokens }, null);
  }
  if (!node) throw errors.previousResponseNotFound(id);
  sources.recent.add(node);
  return node;
}
