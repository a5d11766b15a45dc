/**
 * Text frames of a server, as bytes: final, unmasked, uncompressed (RFC 6455, 5.2).
 *
 * One buffer for all frames of a write: handing them to `ws` one by one costs twice the CPU (0.75 against 0.35 µs a frame in a write of
 * 40, 1.95 against 1.11 µs alone). It is sound because a message of ours is never fragmented and never compressed, so the
 * control frames that `ws` writes by itself may stand before or after any of them.
 */

const finalText = 0x81;

/** The length of a text in UTF-8, header included. */
export function frameBytes(payloadBytes: number): number {
  return payloadBytes + (payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10);
}

/** Each text as one frame, in order. */
export function encodeTextFrames(texts: readonly string[]): Buffer {
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const frames = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + frameBytes(length), 0));
  let at = 0;
  for (const [index, text] of texts.entries()) {
    at = writeHeader(frames, at, lengths[index] ?? 0);
    at += frames.write(text, at, 'utf8');
  }
  return frames;
}

function writeHeader(frames: Buffer, start: number, length: number): number {
  let at = frames.writeUInt8(finalText, start);
  if (length < 126) return frames.writeUInt8(length, at);
  if (length < 65_536) return frames.writeUInt16BE(length, frames.writeUInt8(126, at));
  at = frames.writeUInt8(127, at);
  return frames.writeBigUInt64BE(BigInt(length), at);
}
