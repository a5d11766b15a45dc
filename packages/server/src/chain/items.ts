/**
 * The items of a node: objects while its chain is young or they are new, and packed once it has gone on (docs/decisions/0019).
 *
 * A turn reads its own items and no earlier ones, so those are kept to be small. What an engine holds of the same words as bytes
 * is the dictionary that they are compressed with: what is said there is not kept again.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Item, OutputItem } from '@longwire/protocol';

/** Bytes in pieces that never change. */
export type Text = readonly Uint8Array[];

/** What a request added to a chain, and what the model answered. */
type Sections = readonly [input: readonly Item[], output: readonly OutputItem[]];

/** The items of one node. To read packed ones unpacks their block: nothing for a warm turn. */
export class NodeItems {
  #sections: Sections | null;
  #place: Place | null = null;
  #isLoose = true;

  constructor(input: readonly Item[], output: readonly OutputItem[]) {
    this.#sections = [input, output];
  }

  /** Items that the request added; in front of them those of the nodes that it stands for (`join`). */
  get input(): readonly Item[] {
    return this.#read()[0];
  }

  /** Items that the model made. */
  get output(): readonly OutputItem[] {
    return this.#read()[1];
  }

  /** Whether nobody has tried to pack them. */
  get isLoose(): boolean {
    return this.#isLoose;
  }

  /**
   * Packs the items of nodes in a row into one block: O(items). What is read back is what JSON says of them. `text`: bytes in which
   * their words may stand already. False where JSON cannot write them: then they stay as they are.
   */
  static pack(nodes: readonly NodeItems[], text: Text): boolean {
    for (const node of nodes) node.#isLoose = false;
    const json = toJson(nodes.map((node) => node.#read()));
    if (!json) return false;
    const block = new Block(json, text);
    for (const [at, node] of nodes.entries()) {
      node.#place = { block, first: at, last: at };
      node.#sections = null;
    }
    return true;
  }

  /** Has packed items stand for those of the `count` nodes before them in their block too, as if one request had brought all of them. */
  join(count: number): void {
    if (this.#place) this.#place = { ...this.#place, first: this.#place.last - count };
  }

  #read(): Sections {
    if (this.#sections) return this.#sections;
    const { block, first, last } = this.#place ?? nowhere;
    const before = block.read().slice(first, last + 1);
    const own = before.pop();
    if (!own) throw new Error('A node has no items.');
    return before.length === 0 ? own : [[...before.flat(2), ...own[0]], own[1]];
  }
}

/** Where packed items stand: from one of the block's nodes to another. */
interface Place {
  readonly block: Pick<Block, 'read'>;
  readonly first: number;
  readonly last: number;
}

const nowhere: Place = { block: { read: () => [] }, first: 0, last: 0 };

/** Items of some nodes in a row. It lives as long as one of them. */
class Block {
  readonly #bytes: Uint8Array;
  readonly #text: Text;
  /** Whoever walks a chain reads a block once for each of its nodes: they find it unpacked, and nobody keeps it so. */
  #unpacked: WeakRef<readonly Sections[]> | null = null;

  constructor(json: Buffer, text: Text) {
    const dictionary = Buffer.concat(text);
    const params = paramsFor(json.length + dictionary.length);
    // A copy: zlib hands out a view of a buffer that is far larger.
    this.#bytes = new Uint8Array(zstdCompressSync(json, { params, pledgedSrcSize: json.length, dictionary }));
    this.#text = text;
  }

  read(): readonly Sections[] {
    const known = this.#unpacked?.deref();
    if (known) return known;
    const json = zstdDecompressSync(this.#bytes, { dictionary: Buffer.concat(this.#text) });
    const sections = JSON.parse(json.toString()) as readonly Sections[];
    this.#unpacked = new WeakRef(sections);
    return sections;
  }
}

/** Of `bytes` in all, dictionary included. */
function paramsFor(bytes: number): Record<number, number> {
  // By itself zstd looks at a part of a long dictionary: of a history that comes in one request, 24 % were left in place of 2.
  const windowLog = Math.min(27, Math.max(10, Math.ceil(Math.log2(bytes))));
  return {
    [constants.ZSTD_c_compressionLevel]: 1,
    [constants.ZSTD_c_windowLog]: windowLog,
    [constants.ZSTD_c_hashLog]: Math.min(20, windowLog - 2),
    // It covers the dictionary too: with another one, reading throws.
    [constants.ZSTD_c_checksumFlag]: 1,
  };
}

/** Null for what is nested too deeply to be written. */
function toJson(sections: readonly Sections[]): Buffer | null {
  try {
    return Buffer.from(JSON.stringify(sections));
  } catch (thrown) {
    if (thrown instanceof RangeError) return null;
    throw thrown;
  }
}
