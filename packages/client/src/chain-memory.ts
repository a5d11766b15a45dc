/** What was said, as nodes of chains: so that a conversation can be sent again when the server has lost it (dossier K). */
import type { InputItem, OutputItem } from '@longwire/protocol';

/** Keeps the JSON of items elsewhere, such as on disk. Keys are response ids. */
export interface SpillStore {
  /** Rejects or resolves when it is kept; rejecting forgets the items. */
  save(key: string, json: string): Promise<void>;
  load(key: string): Promise<string>;
  remove(key: string): Promise<void>;
}

/** One response of a chain: what it was asked on top of its parent, and what it answered. */
export interface ChainNode {
  readonly id: string;
  /** Null where the chain begins. */
  readonly parent: ChainNode | null;
  readonly isStored: boolean;
  /** Whether only its id is known, from the application. */
  readonly isForeign: boolean;
  /** The carrier whose server side remembers this response; null for none. */
  carrier: number | null;
  /** Where the items are; `lost` where they are nowhere. */
  items:
    | { readonly in: 'memory'; readonly json: string }
    | { readonly in: 'spill'; readonly saved: Promise<void> }
    | { readonly in: 'lost' };
}

/** What a node costs besides its items, about. */
const nodeBytes = 256;

/** Remembers nodes, those that nobody can continue any more first forgotten. */
export class ChainMemory {
  readonly #nodes = new Map<string, ChainNode>();
  readonly #maxBytes: number;
  readonly #spill: SpillStore | null;
  readonly #roots: () => Iterable<ChainNode>;
  #bytes = 0;

  /** `roots` are the nodes that can be continued; those they continue count too. `maxBytes` of JSON are kept in memory. */
  constructor(maxBytes: number, spill: SpillStore | null, roots: () => Iterable<ChainNode>) {
    this.#maxBytes = maxBytes;
    this.#spill = spill;
    this.#roots = roots;
  }

  /** The node of this response; null where it is not known. */
  find(id: string): ChainNode | null {
    return this.#nodes.get(id) ?? null;
  }

  /** `items` is JSON without the brackets of the array; null where what was said is not known. */
  add(node: Omit<ChainNode, 'items'>, items: string | null): ChainNode {
    const added: ChainNode = { ...node, items: items === null ? { in: 'lost' } : { in: 'memory', json: items } };
    this.#nodes.set(node.id, added);
    this.#bytes += nodeBytes + (items?.length ?? 0);
    return added;
  }

  /** Makes room where too much is kept. Call it when the newest nodes are in place. */
  trim(): void {
    if (this.#bytes <= this.#maxBytes) return;
    const reachable = new Set<ChainNode>();
    for (const root of this.#roots()) {
      for (let node: ChainNode | null = root; node !== null && !reachable.has(node); node = node.parent)
        reachable.add(node);
    }
    for (const node of this.#nodes.values()) if (!reachable.has(node)) this.#forget(node);
    // Some room at once, so that not every turn comes here.
    const enough = this.#maxBytes * 0.75;
    for (const node of this.#nodes.values()) {
      if (this.#bytes <= enough) return;
      this.#moveOut(node);
    }
  }

  #forget(node: ChainNode): void {
    const { items } = node;
    this.#nodes.delete(node.id);
    this.#bytes -= nodeBytes;
    if (items.in === 'memory') this.#bytes -= items.json.length;
    if (items.in === 'spill') void items.saved.then(() => this.#spill?.remove(node.id)).catch(() => {});
  }

  #moveOut(node: ChainNode): void {
    if (node.items.in !== 'memory') return;
    const { json } = node.items;
    this.#bytes -= json.length;
    node.items = this.#spill ? { in: 'spill', saved: this.#save(this.#spill, node, json) } : { in: 'lost' };
  }

  async #save(spill: SpillStore, node: ChainNode, json: string): Promise<void> {
    try {
      await spill.save(node.id, json);
    } catch {
      node.items = { in: 'lost' };
    }
  }

  async #load({ id, items }: ChainNode): Promise<string | null> {
    if (items.in === 'memory') return items.json;
    if (items.in === 'lost' || !this.#spill) return null;
    try {
      await items.saved;
      return await this.#spill.load(id);
    } catch {
      return null;
    }
  }

  /** The items of a whole chain, oldest first, as JSON without brackets; null where some are lost. */
  async read(newest: ChainNode): Promise<string | null> {
    const parts: string[] = [];
    for (let node: ChainNode | null = newest; node !== null; node = node.parent) {
      const json = await this.#load(node);
      if (json === null) return null;
      if (json !== '') parts.push(json);
    }
    return parts.toReversed().join(',');
  }
}

/** Input as the API takes it, as JSON without brackets. */
export function toJsonItems(input: string | readonly InputItem[] | undefined): string {
  if (input === undefined) return '';
  const items = typeof input === 'string' ? [{ type: 'message', role: 'user', content: input }] : input;
  return items.map((item) => JSON.stringify(item)).join(',');
}

/** Joins parts of JSON without brackets. */
export function joinJson(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(',');
}

/** The output of a response as far as it can be sent as input again, and whether it replaces all that came before. */
export function toReplayableOutput(output: readonly OutputItem[]): {
  readonly json: string;
  readonly isWindow: boolean;
} {
  const compaction = output.findLastIndex((item) => item.type === 'compaction' && isSealed(item));
  const items = output.slice(Math.max(0, compaction)).filter(isReplayable);
  return { json: toJsonItems(items as readonly InputItem[]), isWindow: compaction >= 0 };
}

/** A call that was cut off cannot be answered, and reasoning that the server kept to itself cannot be sent. */
function isReplayable(item: OutputItem): boolean {
  if (item.type === 'compaction') return isSealed(item);
  if (item.type === 'reasoning') return isSealed(item) || ('content' in item && hasElements(item.content));
  const isCut = 'status' in item && item.status === 'incomplete';
  return !isCut || item.type === 'message';
}

function isSealed(item: OutputItem): boolean {
  return 'encrypted_content' in item && typeof item.encrypted_content === 'string' && item.encrypted_content !== '';
}

function hasElements(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}
