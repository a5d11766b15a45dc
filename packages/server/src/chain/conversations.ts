/** Conversations as chains: the newest node of each one in use, and who may write to it now (dossier J.3, L.1, O.28). */
import { errors, type Item } from '@longwire/protocol';
import type { ConversationPlace, Store } from '../store/store.ts';
import { createNode, type ChainNode } from './node.ts';
import { estimateTokens } from './tokens.ts';

/** A conversation that one writer holds. */
export interface OpenConversation {
  /** Everything said so far; null in an empty conversation. */
  readonly node: ChainNode | null;
  readonly place: ConversationPlace;
  /** The conversation has grown by `count` items, which `node` ends with. */
  advance(node: ChainNode, count: number): void;
  /** Lets go of it. May be called again. */
  close(): void;
}

interface Head {
  readonly node: ChainNode | null;
  readonly position: number;
}

/** The conversations of one store. A turn on one that is in memory reads nothing; the first one reads it once. */
export class Conversations {
  readonly #store: Store;
  readonly #limit: number;
  readonly #heads = new Map<string, Head>();
  readonly #held = new Set<string>();

  /** `limit`: how many conversations stay in memory; the one used longest ago goes first. */
  constructor(store: Store, limit: number) {
    this.#store = store;
    this.#limit = limit;
  }

  /** Takes the conversation for one writer. Throws `conversation_not_found` and `conversation_locked`. */
  async open(project: string, id: string): Promise<OpenConversation> {
    const key = keyOf(project, id);
    if (this.#held.has(key)) throw errors.conversationLocked();
    this.#held.add(key);
    try {
      const { node, position } = this.#heads.get(key) ?? (await this.#load(project, id));
      return {
        node,
        place: { id, position },
        advance: (newest, count) => this.#remember(key, { node: newest, position: position + count }),
        close: () => this.#held.delete(key),
      };
    } catch (thrown) {
      this.#held.delete(key);
      throw thrown;
    }
  }

  /** Adds items, each with an id. Throws what `open` throws, and `invalid_request` for an output without its call. */
  async append(project: string, id: string, items: readonly Item[]): Promise<void> {
    const conversation = await this.open(project, id);
    try {
      const node = historyNode(project, id, conversation.node, items);
      if (!(await this.#store.appendItems(project, conversation.place, items))) throw await this.lost(project, id);
      conversation.advance(node, items.length);
    } finally {
      conversation.close();
    }
  }

  /** Takes an item out; false when it is not there. Throws what `open` throws. */
  async deleteItem(project: string, id: string, itemId: string): Promise<boolean> {
    const conversation = await this.open(project, id);
    try {
      return await this.#store.deleteItem(project, id, itemId);
    } finally {
      this.forget(project, id);
      conversation.close();
    }
  }

  /** The conversation in memory is not the stored one any more: the next writer reads it again. */
  forget(project: string, id: string): void {
    this.#heads.delete(keyOf(project, id));
  }

  /** Why the store took no items: the conversation was deleted meanwhile, or another process has written to it. */
  async lost(project: string, id: string): Promise<Error> {
    this.forget(project, id);
    const isThere = (await this.#store.getConversation(project, id)) !== null;
    return isThere ? errors.conversationLocked() : errors.conversationNotFound(id);
  }

  async #load(project: string, id: string): Promise<Head> {
    const conversation = await this.#store.getConversation(project, id);
    if (!conversation) throw errors.conversationNotFound(id);
    return { node: await readHistory(this.#store, project, conversation), position: conversation.position };
  }

  #remember(key: string, head: Head): void {
    this.#heads.delete(key);
    this.#heads.set(key, head);
    const [oldest] = this.#heads.keys();
    if (this.#heads.size > this.#limit && oldest !== undefined) this.#heads.delete(oldest);
  }
}

/** What a conversation held before a place, as one node; null when that is nothing. The only read of a whole conversation. */
export async function readHistory(store: Store, project: string, place: ConversationPlace): Promise<ChainNode | null> {
  const items = await store.itemsBefore(project, place);
  return items.length === 0 ? null : historyNode(project, place.id, null, items);
}

/** Items that no response of ours made or received, as a node. */
function historyNode(project: string, id: string, parent: ChainNode | null, input: readonly Item[]): ChainNode {
  const tokens = (parent?.tokens ?? 0) + estimateTokens(input);
  return createNode({ id, project, parent, stored: true, model: parent?.model ?? '', input, output: [], tokens }, null);
}

/** Unambiguous: no crafted id reaches the conversation of another project. */
function keyOf(project: string, id: string): string {
  return JSON.stringify([project, id]);
}
