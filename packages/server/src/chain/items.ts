/**
 * The items of a node: objects while its chain is young or they are new, and packed once it has gone on (docs/decisions/0019).
 *
 * A turn reads its own items and no earlier ones, so those are kept to be small. What an engine holds of the same words as bytes
 * is the dictionary that they are compressed with: what is said there is not kept again.
 */
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompressSync } from 'node:zlib';
import type { Item, OutputItem } from '@longwire/protocol';

/** Bytes in pieces that never change. */
export type Text = readonly Uint8Array[];

const compress = promisify(zstdCompress);
// The checksum covers the dictionary too: with another one, reading throws.
const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 };

/** What a request added to a chain, and what the model answered. Reading packed ones unpacks their block: not for warm turns. */
export class NodeItems {
  #sections: Sections | null;
  #block: Block | null = null;
  #place = 0;
  #isLoose = true;

  constructor(input: readonly Item[], output: readonly OutputItem[]) {
    this.#sections = [input, output];
  }

  /** Items that the request added. */
  get input(): readonly Item[] {
    return this.#read()[0];
  }

  /** Items that the model made. */
  get output(): readonly OutputItem[] {
    return this.#read()[1];
  }

  /** Whether nobody has begun to pack them. */
  get isLoose(): boolean {
    return this.#isLoose;
  }

  /**
   * Packs the items of several nodes into one block, compressed beside the event loop; until then they stay as they are. What is read
   * back is what JSON says of them. `text`: bytes in which their words may stand already. Never throws: what JSON cannot
   * write stays as it is.
   */
  static async pack(all: readonly NodeItems[], text: Text): Promise<void> {
    for (const items of all) items.#isLoose = false;
    try {
      const block = await Block.of(
        all.map((items) => items.#read()),
        text,
      );
      for (const [place, items] of all.entries()) {
        items.#block = block;
        items.#place = place;
        items.#sections = null;
      }
    } catch {
      // Nested too deeply for JSON.stringify: an oddity, and not worth a second form.
    }
  }

  #read(): Sections {
    const sections = this.#sections ?? this.#block?.read()[this.#place];
    if (!sections) throw new Error('A block of items lacks one of its nodes.');
    return sections;
  }
}

type Sections = readonly [input: readonly Item[], output: readonly OutputItem[]];

/** Items of some nodes in a row. It lives as long as one of them. */
class Block {
  readonly #bytes: Uint8Array;
  readonly #text: Text;
  /** Whoever walks a chain reads a block once for each of its nodes: they find it unpacked, and nobody keeps it so. */
  #unpacked: WeakRef<readonly Sections[]> | null = null;

  private constructor(bytes: Uint8Array, text: Text) {
    this.#bytes = bytes;
    this.#text = text;
  }

  static async of(sections: readonly Sections[], text: Text): Promise<Block> {
    const json = Buffer.from(JSON.stringify(sections));
    const packed = await compress(json, { params, pledgedSrcSize: json.length, dictionary: Buffer.concat(text) });
    // A copy: zlib hands out a view of a buffer that is far larger.
    return new Block(new Uint8Array(packed), text);
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
