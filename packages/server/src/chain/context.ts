/** A node's context in one engine, made from its ancestors where it is missing: the only walk up a chain, and never in a warm turn. */
import type { Engine } from '../engine/engine.ts';
import type { ChainNode } from './node.ts';

/** The engine's context of the chain that ends with `node`; kept on each node that it had to be derived for. */
export function contextOf(engine: Engine, node: ChainNode | null): unknown {
  const missing: ChainNode[] = [];
  let at = node;
  while (at && at.context?.engine !== engine.name) {
    missing.push(at);
    at = at.parent;
  }
  let context: unknown = at?.context?.context ?? null;
  for (const each of missing.toReversed()) {
    context = engine.extend(context, each.input);
    context = engine.extend(context, each.output);
    each.context = { engine: engine.name, context };
  }
  return context;
}
