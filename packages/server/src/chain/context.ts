/** A node's context in one engine, made from its ancestors where it is missing: the only walk up a chain, and never in a warm turn. */
import type { Item } from '@longwire/protocol';
import type { Engine } from '../engine/engine.ts';
import type { ChainNode } from './node.ts';

/** Makes items of a node readable for an engine; `restarts` where nothing before them counts any more. */
export type OpenNodeItems = (
  node: ChainNode,
  items: readonly Item[],
) => { readonly items: readonly Item[]; readonly restarts: boolean };

/** The engine's context of the chain that ends with `node`; kept on each node that it had to be derived for. */
export function contextOf(engine: Engine, node: ChainNode | null, open: OpenNodeItems): unknown {
  const missing: ChainNode[] = [];
  let at = node;
  while (at && at.context?.engine !== engine.name) {
    missing.push(at);
    at = at.parent;
  }
  let context: unknown = at?.context?.context ?? null;
  const isShortened = at?.context?.isShortened ?? false;
  for (const each of missing.toReversed()) {
    let beforeOutput: unknown = null;
    for (const section of [each.items.input, each.items.output]) {
      beforeOutput = context;
      const { items, restarts } = open(each, section);
      context = engine.extend(restarts ? null : context, items);
    }
    each.context = { engine: engine.name, context, beforeOutput, isShortened };
  }
  return context;
}
