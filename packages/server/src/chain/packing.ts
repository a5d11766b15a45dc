/** When a chain packs its items: a block at a time, each node once, and never in a short chain. */
import { NodeItems, type Text } from './items.ts';
import type { ChainNode, NodeContext } from './node.ts';

/** What a chain may grow to before anything is packed. Tokens, which engines count anyway: about 48 KB of JSON. */
export const unpackedTokens = 12 * 1024;
/** How much more makes a block. Tokens: about 16 KB. */
export const blockTokens = 4 * 1024;

/** The bytes that an engine holds of what `context` has and its ancestor `since` has not; null stands for the root. None where it holds none. */
export type TextOf = (context: NodeContext, since: NodeContext | null) => Text;

/** Packs what has gathered at the end of a chain, where that is enough for a block. O(what is packed). */
export async function packHistory(newest: ChainNode, textOf: TextOf): Promise<void> {
  if (newest.looseTokens < blockTokens) return;
  const loose: ChainNode[] = [];
  let before: ChainNode | null = newest;
  for (; before?.items.isLoose; before = before.parent) loose.push(before);
  for (const node of loose) node.looseTokens = 0;
  await NodeItems.pack(
    loose.map(({ items }) => items),
    textBetween(newest, before, textOf),
  );
}

function textBetween({ context }: ChainNode, before: ChainNode | null, textOf: TextOf): Text {
  if (!context) return [];
  if (!before) return textOf(context, null);
  return before.context?.engine === context.engine ? textOf(context, before.context) : [];
}
