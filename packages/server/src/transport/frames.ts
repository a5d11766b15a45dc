/**
 * Text frames of a server, as bytes: final, unmasked, uncompressed (RFC 6455, 5.2).
 *
 * One piece of memory for all frames of a write: handing them to `ws` one by one costs twice the CPU (0.75 against 0.35 µs a frame in a
 * write of 40, 1.95 against 1.11 µs alone). It is sound because a message of ours is never fragmented and never compressed, so the
 * control frames that `ws` writes by itself may stand before or after any of them.
 */

const finalText = 0x81;
/** Of an unused buffer: the frames of most turns. */
const usualBytes = 64 * 1024;
/** Buffers that wait for their next use; as many sockets may hold frames in one tick without a new one. */
const maxIdle = 8;
/** One UTF-16 unit is at most this many bytes of UTF-8. */
const maxBytesPerUnit = 3;
/** Of a frame of 126 to 65,535 bytes, as most of ours are. */
const usualHeader = 4;
const maxHeader = 10;

const idle: FrameBuffer[] = [];

/** A buffer without frames. */
export function takeFrameBuffer(): FrameBuffer {
  return idle.pop() ?? new FrameBuffer();
}

/** Frames one behind the other, in one piece of memory. */
export class FrameBuffer {
  #memory = Buffer.allocUnsafeSlow(usualBytes);
  /** Where the next frame begins. */
  #end = 0;

  /** Bytes so far. */
  get length(): number {
    return this.#end;
  }

  /** The frames so far: valid until the buffer is given back. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#end);
  }

  /** Whether they outgrew a usual buffer: the memory of these may be twice as large as they are. */
  get hasGrown(): boolean {
    return this.#memory.length > usualBytes;
  }

  /** Where the text of an open frame is written. Another one after `open`. */
  get memory(): Buffer {
    return this.#memory;
  }

  /** Nobody reads the bytes any more: the memory serves again. */
  giveBack(): void {
    this.#end = 0;
    if (this.#memory.length === usualBytes && idle.length < maxIdle) idle.push(this);
  }

  /** A frame of this text. */
  text(json: string): void {
    const most = json.length * maxBytesPerUnit;
    const at = this.open(this.#hasRoom(most) ? most : Buffer.byteLength(json));
    this.close(at + this.#memory.write(json, at));
  }

  /** Begins a frame whose text has `most` bytes at most: returns where it goes. */
  open(most: number): number {
    if (!this.#hasRoom(most)) this.#grow(most);
    return this.#end + usualHeader;
  }

  /** Ends the frame that was opened last, and whose text ends here. */
  close(end: number): void {
    const text = this.#end + usualHeader;
    const header = headerBytes(end - text);
    if (header !== usualHeader) this.#memory.copyWithin(this.#end + header, text, end);
    writeHeader(this.#memory, this.#end, end - text);
    this.#end = end + header - usualHeader;
  }

  #hasRoom(bytes: number): boolean {
    return this.#end + maxHeader + bytes <= this.#memory.length;
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#end + maxHeader + bytes, this.#memory.length * 2));
    this.#memory.copy(larger, 0, 0, this.#end);
    this.#memory = larger;
  }
}

function headerBytes(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : maxHeader;
}

function writeHeader(bytes: Buffer, at: number, length: number): void {
  bytes[at] = finalText;
  if (length < 126) {
    bytes[at + 1] = length;
  } else if (length < 65_536) {
    bytes[at + 1] = 126;
    bytes[at + 2] = length >>> 8;
    bytes[at + 3] = length & 0xff;
  } else {
    bytes[at + 1] = 127;
    bytes.writeBigUInt64BE(BigInt(length), at + 2);
  }
}
