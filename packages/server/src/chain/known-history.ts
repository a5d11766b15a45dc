/**
 * Requests that send their whole history: the longest beginning of it that an engine has prepared already, found by what the model
 * saw of it (digest.ts). Turns on a chain have no part in this: nothing is computed before such a request comes.
 */
import type { Item } from '@longwire/protocol';
import type { OpenNodeItems } from './context.ts';
import { addToDigest, emptyDigest, isModelMade, type Digest } from './digest.ts';
import type { ChainNode } from './node.ts';

/** What was found. */
export interface KnownHistory {
  readonly context: unknown;
  /** How many items of the request it covers. */
  readonly count: number;
}

/** Where one looks. */
export interface Search {
  /** Nodes that the request may profit from, the likeliest first; all of its own project. */
  readonly nodes: Iterable<ChainNode>;
  /** Only what this engine prepared is of use to it. */
  readonly engine: string;
  readonly open: OpenNodeItems;
}

/** A history as a request sent it, with the digest of each of its beginnings. */
export class SentHistory {
  /** Of all items. */
  readonly digest: Digest;
  /** Digest of a beginning -> items in it, where a chain may be cut behind them. */
  readonly #counts: ReadonlyMap<Digest, number>;

  private constructor(digest: Digest, counts: ReadonlyMap<Digest, number>) {
    this.digest = digest;
    this.#counts = counts;
  }

  /** O(items), readable for an engine. Null where no model has spoken yet: then nothing is worth looking for. */
  static of(items: readonly Item[]): SentHistory | null {
    const first = items.findIndex(isModelMade);
    if (first === -1) return null;
    const counts = new Map<Digest, number>();
    let digest = emptyDigest;
    for (const [index, item] of items.entries()) {
      digest = addToDigest(digest, item);
      const next = items[index + 1];
      // What a model says in one go is one message: it is never cut.
      const joins = next !== undefined && isModelMade(item) && isModelMade(next);
      if (index + 1 >= first && !joins) counts.set(digest, index + 1);
    }
    return new SentHistory(digest, counts);
  }

  /** The longest beginning that some node's context holds; null for none. O(nodes), and once for each node O(its items). */
  find({ nodes, engine, open }: Search): KnownHistory | null {
    let found: KnownHistory | null = null;
    const budget = { items: itemsHashedAtOnce };
    for (const node of nodes) {
      const { context } = node;
      if (context?.engine !== engine || context.isShortened) continue;
      const digests = digestsOf(node, open, budget);
      if (digests === null) continue;
      for (const [digest, prepared] of [
        [digests.behind, context.context],
        [digests.before, context.beforeOutput],
      ] as const) {
        const count = this.#counts.get(digest) ?? 0;
        if (prepared !== null && count > (found?.count ?? 0)) found = { context: prepared, count };
      }
    }
    return found;
  }
}

/** The digest of a node's input, ancestors included, where the turn that made it has it at hand: nothing is hashed again then. */
export function rememberDigest(node: ChainNode, { digest }: SentHistory): void {
  known.set(node, { before: digest, behind: null });
}

interface NodeDigests {
  /** Up to the node's output. */
  readonly before: Digest;
  /** Null until it is asked for. */
  behind: Digest | null;
}

/** Nodes never change, so neither do their digests. */
const known = new WeakMap<ChainNode, NodeDigests>();

/**
 * Nodes of chains are hashed when the first full history comes, the newest first. So many items are hashed for one request, some
 * milliseconds of work; those that are left wait for the next.
 */
const itemsHashedAtOnce = 1024;

/** The digests of a node; null where the budget is spent, or where something sealed in its history cannot be opened any more. */
function digestsOf(
  node: ChainNode,
  open: OpenNodeItems,
  budget: { items: number },
): { readonly before: Digest; readonly behind: Digest } | null {
  const missing: ChainNode[] = [];
  for (let at: ChainNode | null = node; at && !known.get(at)?.behind; at = at.parent) missing.push(at);
  const digestBehind = (digest: Digest, of: ChainNode, section: readonly Item[]): Digest => {
    budget.items -= section.length;
    const { items, restarts } = open(of, section);
    return items.reduce(addToDigest, restarts ? emptyDigest : digest);
  };
  for (const each of missing.toReversed()) {
    if (budget.items <= 0) return null;
    try {
      const parent = each.parent && known.get(each.parent)?.behind;
      const before = known.get(each)?.before ?? digestBehind(parent ?? emptyDigest, each, each.items.input);
      known.set(each, { before, behind: digestBehind(before, each, each.items.output) });
    } catch {
      return null;
    }
  }
  const { before, behind } = known.get(node) ?? {};
  return before && behind ? { before, behind } : null;
}
