/** What a connection remembers of a lane: its newest response, and nothing older (dossier D). */
import type { ChainNode } from '../chain/node.ts';

/** One ordered stream of a connection. The unnamed default lane has no id. */
export interface Lane {
  readonly id: string | null;
  /** Its newest finished response; the only one that a `store:false` client can go on from. */
  newest: ChainNode | null;
}

/** All lanes of one connection. */
export class Lanes {
  readonly #lanes = new Map<string | null, Lane>();

  /** The lane of this name, made on first use; null when it would be one name too many. `max` does not count the default lane. */
  open(id: string | null, max: number): Lane | null {
    const known = this.#lanes.get(id);
    if (known) return known;
    const named = this.#lanes.size - (this.#lanes.has(null) ? 1 : 0);
    if (id !== null && named >= max) return null;
    const lane: Lane = { id, newest: null };
    this.#lanes.set(id, lane);
    return lane;
  }

  /** The node that some lane holds as its newest, for a continuation or a fork. */
  find(responseId: string): ChainNode | null {
    for (const lane of this.#lanes.values()) if (lane.newest?.id === responseId) return lane.newest;
    return null;
  }

  /** Every newest node, forgetting them all. */
  clear(): ChainNode[] {
    const nodes = [...this.#lanes.values()].flatMap((lane) => lane.newest ?? []);
    this.#lanes.clear();
    return nodes;
  }
}

/**
 * Eviction (dossier D.4): a request of this lane that named `parentId` failed. The lane forgets its newest response if that
 * was the parent; another lane's parent, of a failed fork, stays. Returns the node that was forgotten.
 */
export function evictParent(lane: Lane, parentId: string | null | undefined): ChainNode | null {
  const { newest } = lane;
  if (!newest || newest.id !== parentId) return null;
  lane.newest = null;
  return newest;
}
