/** WebSocket frames as a proxy sees them: where each begins and ends in a stream of bytes (RFC 6455, 5.2). */

/** One whole frame. */
export interface Frame {
  /** As it came, header included. */
  readonly bytes: Buffer;
  readonly opcode: number;
  /** Ping, pong or close. */
  readonly isControl: boolean;
  /** Whether the payload is compressed (RSV1): then it is not text that can be read here. */
  readonly isCompressed: boolean;
  /** What is in it, unmasked. */
  payload(): Buffer;
}

export const closeOpcode = 8;
const textOpcode = 1;

/** Cuts one direction of a connection into frames. */
export class FrameSplitter {
  readonly #maxBytes: number;
  #pending: Buffer = Buffer.alloc(0);

  /** A frame of more than `maxBytes` is more than the proxy is willing to hold. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The frames that are whole now, in order. Throws a `RangeError` at one that is too large. */
  push(bytes: Buffer): Frame[] {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    const frames: Frame[] = [];
    for (;;) {
      const header = readHeader(this.#pending);
      if (header === null) return frames;
      const end = header.bytes + header.payloadBytes;
      if (end > this.#maxBytes) throw new RangeError(`A frame of ${end} bytes is over the limit of ${this.#maxBytes}.`);
      if (this.#pending.length < end) return frames;
      frames.push(toFrame(this.#pending.subarray(0, end), header));
      this.#pending = this.#pending.subarray(end);
    }
  }
}

/** The text as one final frame; a client's is masked. */
export function encodeText(text: string, isMasked: boolean): Buffer {
  return encode(textOpcode, Buffer.from(text), isMasked);
}

/** A server's close frame. */
export function encodeClose(code: number): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return encode(closeOpcode, payload, false);
}

/** The code in a close frame; 1005 where there is none. */
export function closeCodeOf(frame: Frame): number {
  const payload = frame.payload();
  return payload.length < 2 ? 1005 : payload.readUInt16BE();
}

interface Header {
  readonly bytes: number;
  readonly payloadBytes: number;
  readonly isMasked: boolean;
}

const maskBytes = 4;

/** Null until all of it is there. */
function readHeader(bytes: Buffer): Header | null {
  if (bytes.length < 2) return null;
  const second = bytes.readUInt8(1);
  const isMasked = (second & 0x80) !== 0;
  const short = second & 0x7f;
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
  const headerBytes = 2 + lengthBytes + (isMasked ? maskBytes : 0);
  if (bytes.length < headerBytes) return null;
  const payloadBytes = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
  return { bytes: headerBytes, payloadBytes, isMasked };
}

function toFrame(bytes: Buffer, header: Header): Frame {
  const first = bytes.readUInt8(0);
  return {
    bytes,
    opcode: first & 0x0f,
    isControl: (first & 0x08) !== 0,
    isCompressed: (first & 0x40) !== 0,
    payload: () => {
      const payload = Buffer.from(bytes.subarray(header.bytes));
      if (header.isMasked) mask(payload, bytes.subarray(header.bytes - maskBytes, header.bytes));
      return payload;
    },
  };
}

function encode(opcode: number, payload: Buffer, isMasked: boolean): Buffer {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + lengthBytes);
  header.writeUInt8(0x80 | opcode);
  header.writeUInt8((lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127) | (isMasked ? 0x80 : 0), 1);
  if (lengthBytes === 2) header.writeUInt16BE(length, 2);
  if (lengthBytes === 8) header.writeBigUInt64BE(BigInt(length), 2);
  // A key of zeros masks nothing: the payload may stay as it is.
  return Buffer.concat([header, Buffer.alloc(isMasked ? maskBytes : 0), payload]);
}

function mask(payload: Buffer, key: Buffer): void {
  for (let at = 0; at < payload.length; at++) payload[at] = (payload[at] ?? 0) ^ (key[at % maskBytes] ?? 0);
}
