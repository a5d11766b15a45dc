/** What was said, as links of chains: so that a conversation can be sent again when the server has lost it (dossier K). */
import type { InputItem, OutputItem } from '@longwire/protocol';

/** Keeps the JSON of items elsewhere, such as on disk. Keys are response ids. */
export interface SpillStore {
  /** Rejects or resolves when it is kept; rejecting forgets the items. */
  save(key: string, json: string): Promise<void>;
  load(key: string): Promise<string>;
  remove(key: string): Promise<void>;
}

/** One response of a chain: what it was asked on top of its parent, and what it answered. */
export interface Link {
  readonly id: string;
  /** Null where the chain begins. */
  readonly parent: Link | null;
  readonly isStored: boolean;
  /** Whether only its id is known, from the application. */
  readonly isForeign: boolean;
  /** The carrier whose server side remembers this response; null for none. */
  carrier: number | null;
  /** Where the items are; `lost` where they are nowhere. */
  items: { readonly in: 'memory'; readonly json: string } | { readonly in: 'spill' } | { readonly in: 'lost' };
}

/** What a link costs besides its items, about. */
const linkBytes = 256;

/** Remembers links, those that nobody can continue any more first forgotten. */
export class ChainMemory {
  readonly #links = new Map<string, Link>();
  readonly #maxBytes: number;
  readonly #spill: SpillStore | null;
  readonly #roots: () => Iterable<Link>;
  #bytes = 0;

  /** `roots` are the links that can be continued; those they continue count too. `maxBytes` of JSON are kept in memory. */
  constructor(maxBytes: number, spill: SpillStore | null, roots: () => Iterable<Link>) {
    this.#maxBytes = maxBytes;
    this.#spill = spill;
    this.#roots = roots;
  }

  /** The link of this response; null where it is not known. */
  find(id: string): Link | null {
    return this.#links.get(id) ?? null;
  }

  /** `items` is JSON without the brackets of the array; null where what was said is not known. */
  add(link: Omit<Link, 'items'>, items: string | null): Link {
    const added: Link = { ...link, items: items === null ? { in: 'lost' } : { in: 'memory', json: items } };
    this.#links.set(link.id, added);
    this.#bytes += linkBytes + (items?.length ?? 0);
    return added;
  }

  /** Makes room where too much is kept. Call it when the newest links are in place. */
  trim(): void {
    if (this.#bytes <= this.#maxBytes) return;
    const reachable = new Set<Link>();
    for (const root of this.#roots()) {
      for (let link: Link | null = root; link !== null && !reachable.has(link); link = link.parent) reachable.add(link);
    }
    for (const link of this.#links.values()) if (!reachable.has(link)) this.#forget(link);
    // Some room at once, so that not every turn comes here.
    const enough = this.#maxBytes * 0.75;
    for (const link of this.#links.values()) {
      if (this.#bytes <= enough) return;
      this.#moveOut(link);
    }
  }

  #forget(link: Link): void {
    this.#links.delete(link.id);
    this.#bytes -= linkBytes;
    if (link.items.in === 'memory') this.#bytes -= link.items.json.length;
    if (link.items.in === 'spill') this.#spill?.remove(link.id).catch(() => {});
  }

  #moveOut(link: Link): void {
    if (link.items.in !== 'memory') return;
    const { json } = link.items;
    this.#bytes -= json.length;
    link.items = { in: this.#spill ? 'spill' : 'lost' };
    this.#spill?.save(link.id, json).catch(() => {
      link.items = { in: 'lost' };
    });
  }

  /** The items of a whole chain, oldest first, as JSON without brackets; null where some are lost. */
  async read(newest: Link): Promise<string | null> {
    const parts: string[] = [];
    for (let link: Link | null = newest; link !== null; link = link.parent) {
      const { items } = link;
      if (items.in === 'lost') return null;
      const json = items.in === 'memory' ? items.json : await this.#spill?.load(link.id).catch(() => undefined);
      if (json === undefined) return null;
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
