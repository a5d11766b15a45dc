/** Stored nodes that are still in memory, so that HTTP continuations and reconnects meet the engine's state as sockets do. */
import type { ChainNode } from './node.ts';

/** A bounded map of the stored nodes used last. Nodes of `store:false` never come here. */
export class RecentNodes {
  readonly #nodes = new Map<string, ChainNode>();
  readonly #limit: number;

  /** `limit`: how many nodes are kept; the one used longest ago goes first. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The node, if it is here and belongs to the project. */
  get(project: string, id: string): ChainNode | null {
    const node = this.#nodes.get(id);
    if (node?.project !== project) return null;
    this.#nodes.delete(id);
    this.#nodes.set(id, node);
    return node;
  }

  /** The project's nodes, the one used last first: O(all that is here). */
  *of(project: string): Generator<ChainNode> {
    for (const node of [...this.#nodes.values()].toReversed()) if (node.project === project) yield node;
  }

  /** Keeps a stored node; returns the node that had to go, if any. */
  add(node: ChainNode): ChainNode | null {
    this.#nodes.delete(node.id);
    this.#nodes.set(node.id, node);
    if (this.#nodes.size <= this.#limit) return null;
    const [oldest] = this.#nodes.values();
    if (!oldest) return null;
    this.#nodes.delete(oldest.id);
    return oldest;
  }

  /** Forgets a node and all that continue it: what is deleted is in no history any more. Walks what is here, once. */
  delete(project: string, id: string): void {
    const isGone = new Map<ChainNode, boolean>();
    for (const [key, node] of this.#nodes) {
      const path: ChainNode[] = [];
      let at: ChainNode | null = node;
      while (at && !isGone.has(at) && !(at.id === id && at.project === project)) {
        path.push(at);
        at = at.parent;
      }
      const gone = at !== null && (isGone.get(at) ?? true);
      for (const each of path) isGone.set(each, gone);
      if (gone) this.#nodes.delete(key);
    }
  }
}
