/** What a compaction keeps word for word. */
import type { Item } from '@longwire/protocol';
import type { ChainNode } from '../chain/node.ts';
import type { OpenCalls } from '../chain/tool-calls.ts';
import type { Binding, Sealer } from './sealer.ts';
import { bindingOf, cutAtCompaction, isKeptMessage } from './sealed-items.ts';

/** The end of a chain that is about to be compacted. */
export interface ChainEnd {
  readonly binding: Binding;
  readonly parent: ChainNode | null;
  /** The new items, as they came. */
  readonly input: readonly Item[];
  /** Calls that nobody has answered yet. */
  readonly openCalls: OpenCalls;
}

/**
 * The items that stay, oldest first: all messages of the developer and the system (an order does not survive a summary of it), the
 * newest of the user up to `userBytes` of JSON, and asynchronous calls whose output is still to come.
 *
 * Walks the chain back to where it begins. This is the one place that may: it runs once for all the turns that it forgets.
 */
export function keptMessages(sealer: Sealer, end: ChainEnd, userBytes: number): Item[] {
  const newestFirst: Item[] = [];
  const openIds = new Set(end.openCalls.map(({ id }) => id));
  let leftBytes = userBytes;
  for (const item of itemsBack(sealer, end)) {
    if (!isKept(item, openIds)) continue;
    if (item.type === 'message' && item.role === 'user') {
      // Once one did not fit, no older one stands in its place.
      if (leftBytes >= 0) leftBytes -= Buffer.byteLength(JSON.stringify(item));
      if (leftBytes < 0) continue;
    }
    newestFirst.push(item);
  }
  return newestFirst.toReversed();
}

function isKept(item: Item, openIds: ReadonlySet<string>): boolean {
  const isCall = item.type === 'function_call' || item.type === 'custom_tool_call';
  return isCall ? openIds.has(item.call_id) : isKeptMessage(item);
}

/** Newest first. An earlier summary is not among them: the new one stands for it too. */
function* itemsBack(sealer: Sealer, { binding, parent, input }: ChainEnd): Generator<Item> {
  if (yield* itemsOf(sealer, binding, input)) return;
  for (let node = parent; node; node = node.parent) {
    const bound = bindingOf(node, binding);
    if (yield* itemsOf(sealer, bound, node.items.output)) return;
    if (yield* itemsOf(sealer, bound, node.items.input)) return;
  }
}

/** Returns true where the chain begins in these items. */
function* itemsOf(sealer: Sealer, binding: Binding, items: readonly Item[]): Generator<Item, boolean> {
  const { kept, summary, rest } = cutAtCompaction(sealer, binding, items);
  yield* rest.toReversed();
  yield* kept.toReversed();
  return summary !== null;
}
