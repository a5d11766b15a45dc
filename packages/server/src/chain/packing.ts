/** When a chain packs its items: a block at a time, each node once, and never in a short chain. */
import { NodeItems, type Text } from './items.ts';
import type { ChainNode, NodeContext } from './node.ts';

/** What a chain may grow to before anything is packed. Tokens, which engines count anyway: about 48 KB of JSON. */
export const unpackedTokens = 12 * 1024;
/** How much more makes a block. Tokens: about 16 KB. */
export const blockTokens = 4 * 1024;

/** The bytes that an engine holds of what `context` has and its ancestor `since` has not; null stands for the root. None where it holds none. */
export type TextOf = (context: NodeContext, since: NodeContext | null) => Text;

/**
 * Packs what has gathered at the end of a chain, where that is enough for a block, and has the newest node stand for all of it.
 * O(what is packed).
 */
export function packHistory(newest: ChainNode, textOf: TextOf): void {
  if (newest.looseTokens < blockTokens) return;
  const loose: ChainNode[] = [];
  let before: ChainNode | null = newest;
  for (; before?.items.isLoose; before = before.parent) loose.push(before);
  for (const node of loose) node.looseTokens = 0;
  const items = loose.map((node) => node.items).toReversed();
  if (NodeItems.pack(items, textBetween(newest, before, textOf))) joinOlder(newest, loose.slice(1));
}

/**
 * The node takes the place of its ancestors in its block, with which go their ids, contexts and open calls: whoever holds one of
 * them for itself, a lane or a waiting request, still has it. Left out are stored nodes, which are found and deleted by their
 * ids, and roots, where a compaction tells what stands in front of it by its list.
 */
function joinOlder(newest: ChainNode, older: readonly ChainNode[]): void {
  const end = older.findIndex(({ stored, parent, model }) => stored || parent === null || model !== newest.model);
  const count = end === -1 ? older.length : end;
  const oldest = older[count - 1];
  if (newest.stored || !oldest) return;
  newest.items.join(count);
  newest.parent = oldest.parent;
}

function textBetween({ context }: ChainNode, before: ChainNode | null, textOf: TextOf): Text {
  if (!context) return [];
  if (!before) return textOf(context, null);
  return before.context?.engine === context.engine ? textOf(context, before.context) : [];
}
