/** Deltas, most of what a server sends, as JSON: those of one part differ in their text, their padding and their number alone. */
import type { KnownEvent } from '@longwire/protocol';
import type { FrameBuffer } from './frames.ts';

/** One of the four kinds of delta that make up an answer. */
export interface Delta {
  readonly type: KnownEvent['type'];
  readonly item_id: string;
  readonly output_index: number;
  readonly delta: string;
  readonly obfuscation?: string;
  readonly sequence_number: number;
}

/** Where a delta belongs: what the others there have in common with it. */
interface Part {
  readonly type: string;
  readonly itemId: string;
  readonly outputIndex: number;
  /** -1 in items without content parts. */
  readonly contentIndex: number;
  /** Up to the delta. */
  readonly head: string;
  /** From the delta to the number; to the padding, where there is some. */
  readonly tail: string;
  readonly padded: string;
}

interface PartBytes {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  readonly padded: Uint8Array;
  readonly suffix: Uint8Array;
  /** Of all that is no delta and no padding, at most. */
  readonly length: number;
}

/** An escaped character has six bytes, and is one unit; one beyond ASCII has three. */
const maxBytesPerUnit = 6;
const maxDigits = 16;
/** Longer texts are left to `JSON.stringify`. */
const maxLooked = 32;
const paddedTail = '","sequence_number":';
const paddedTailBytes = Buffer.from(paddedTail);

/** Writes the deltas of a lane. */
export class DeltaEncoder {
  readonly #suffix: string;
  #part: Part | null = null;
  /** The part's, once they are asked for. */
  #bytes: PartBytes | null = null;

  /** `suffix`: what follows the number of each event. */
  constructor(suffix: string) {
    this.#suffix = suffix;
  }

  /** Forgets the part: what it remembers is a turn's. */
  forget(): void {
    this.#part = null;
    this.#bytes = null;
  }

  /** `contentIndex`: -1 where it has none. `extra`: what stands behind the delta in events of its type. Of few parts: each costs 180 instructions. */
  encode(event: Delta, contentIndex: number, extra: string): string {
    const { delta, obfuscation, sequence_number } = event;
    const { head, tail, padded } = this.#partOf(event, contentIndex, extra);
    const text = head + escape(delta) + (obfuscation === undefined ? tail : padded + obfuscation + paddedTail);
    return text + (sequence_number + this.#suffix);
  }

  /** The same as a frame, byte by byte: a string would be put together only to be taken apart again. */
  write(event: Delta, contentIndex: number, extra: string, frames: FrameBuffer): void {
    const { delta, obfuscation, sequence_number } = event;
    const part = this.#partOf(event, contentIndex, extra);
    const bytes = (this.#bytes ??= toBytes(part, this.#suffix));
    let at = frames.open(bytes.length + (delta.length + (obfuscation?.length ?? 0)) * maxBytesPerUnit);
    const { memory } = frames;
    at = writePiece(memory, at, bytes.head);
    at = writeEscaped(memory, at, delta);
    if (obfuscation === undefined) {
      at = writePiece(memory, at, bytes.tail);
    } else {
      at = writePiece(memory, at, bytes.padded);
      at += memory.write(obfuscation, at);
      at = writePiece(memory, at, paddedTailBytes);
    }
    at = writeNumber(memory, at, sequence_number);
    frames.close(writePiece(memory, at, bytes.suffix));
  }

  #partOf(event: Delta, contentIndex: number, extra: string): Part {
    const known = this.#part;
    if (known !== null && isIn(known, event, contentIndex)) return known;
    const part = toPart(event, contentIndex, extra);
    this.#part = part;
    this.#bytes = null;
    return part;
  }
}

function isIn(part: Part, { type, item_id, output_index }: Delta, contentIndex: number): boolean {
  return (
    part.itemId === item_id &&
    part.outputIndex === output_index &&
    part.contentIndex === contentIndex &&
    part.type === type
  );
}

/** Ids are our own letters and digits: only the delta needs escaping. */
function toPart(
  { type, item_id: itemId, output_index: outputIndex }: Delta,
  contentIndex: number,
  extra: string,
): Part {
  const index = contentIndex === -1 ? '' : `,"content_index":${contentIndex}`;
  return {
    type,
    itemId,
    outputIndex,
    contentIndex,
    head: ['{"type":"', type, '","item_id":"', itemId, '","output_index":', outputIndex, index, ',"delta":"'].join(''),
    tail: `"${extra},"sequence_number":`,
    padded: `"${extra},"obfuscation":"`,
  };
}

function toBytes({ head, tail, padded }: Part, suffix: string): PartBytes {
  const length = head.length + padded.length + paddedTail.length + maxDigits + suffix.length;
  return {
    head: Buffer.from(head),
    tail: Buffer.from(tail),
    padded: Buffer.from(padded),
    suffix: Buffer.from(suffix),
    length,
  };
}

/** All `write…` return where the next byte goes. */
function writePiece(memory: Buffer, at: number, piece: Uint8Array): number {
  const { length } = piece;
  // A call costs as much as fifteen bytes.
  if (length > 15) memory.set(piece, at);
  else for (let index = 0; index < length; index++) memory[at + index] = piece[index] as number;
  return at + length;
}

/** What stands between the quotes. A delta has few letters: to look at each is cheaper than a call. */
function writeEscaped(memory: Buffer, start: number, text: string): number {
  const { length } = text;
  let at = start;
  if (length <= maxLooked) {
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code < 0x20 || code > 0x7e) return writeStringified(memory, start, text);
      if (code === 0x22 || code === 0x5c) memory[at++] = 0x5c;
      memory[at++] = code;
    }
    return at;
  }
  return writeStringified(memory, start, text);
}

function writeStringified(memory: Buffer, at: number, text: string): number {
  return at + memory.write(JSON.stringify(text).slice(1, -1), at);
}

function writeNumber(memory: Buffer, start: number, value: number): number {
  if (value < 10) {
    memory[start] = 0x30 + value;
    return start + 1;
  }
  const rest = Math.floor(value / 10);
  const at = writeNumber(memory, start, rest);
  memory[at] = 0x30 + value - rest * 10;
  return at + 1;
}

/** What stands between the quotes. It is cheaper to look at each of the few letters of a token than to call `JSON.stringify`. */
function escape(text: string): string {
  if (text.length > maxLooked) return JSON.stringify(text).slice(1, -1);
  let escaped = '';
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code > 0x7e) return JSON.stringify(text).slice(1, -1);
    if (code !== 0x22 && code !== 0x5c) continue;
    escaped += `${text.slice(from, at)}\\`;
    from = at;
  }
  return from === 0 && escaped === '' ? text : escaped + text.slice(from);
}
