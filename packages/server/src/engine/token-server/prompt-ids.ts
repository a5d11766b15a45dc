/** A prompt's token ids as JSON, where no id that was encoded once is encoded again. */
import type { Token } from '../chat-template/tokenizer.ts';
import { piecesFrom } from '../token-chain/context.ts';
import type { Span } from '../token-chain/span.ts';

/** Encoded ids of the arrays that contexts and preambles keep: `1,2,3`. */
const encoded = new WeakMap<readonly Token[], Buffer>();
const comma = Buffer.from(',');
const end = Buffer.from(']}');

/** The body of a request: `fields`, and the span's ids under `name`. Buffers to be written in order. */
export function toBody(fields: Readonly<Record<string, unknown>>, name: string, span: Span): Buffer[] {
  const head = Buffer.from(`${JSON.stringify(fields).slice(0, -1)},"${name}":[`);
  return [head, ...encodeSpan(span), end];
}

/** A span's ids as the inside of a JSON array. */
function encodeSpan({ preamble, run, tail }: Span): Buffer[] {
  const blocks: (readonly Token[])[] = [tail];
  for (const piece of piecesFrom(run)) blocks.push(piece.tokens);
  blocks.push(preamble.tokens);
  const filled = blocks.toReversed().filter((block) => block.length > 0);
  return filled.flatMap((block, index) => (index === 0 ? [encodeIds(block)] : [comma, encodeIds(block)]));
}

function encodeIds(tokens: readonly Token[]): Buffer {
  let bytes = encoded.get(tokens);
  if (bytes === undefined) {
    bytes = Buffer.from(tokens.join(','));
    encoded.set(tokens, bytes);
  }
  return bytes;
}
