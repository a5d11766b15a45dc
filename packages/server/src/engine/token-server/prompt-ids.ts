/** A prompt's token ids as JSON, where no id that was encoded once is encoded again, and runs share the bytes of their ancestors. */
import type { Token } from '../chat-template/tokenizer.ts';
import { appendElements, elementBytes, emptyList, type EncodedList } from '../http/encoded-list.ts';
import { piecesFrom } from '../token-chain/context.ts';
import type { TokenRun } from '../token-chain/run.ts';
import type { Span, TokenBlock } from '../token-chain/span.ts';

/** By the tokens of a preamble, or of a run's newest piece: its own ids, or all up to and including them. */
const encoded = new WeakMap<readonly Token[], EncodedList>();
const comma = Buffer.from(',');
const end = Buffer.from(']}');

/** The body of a request: `fields`, and the span's ids under `name`. Buffers to be written in order. */
export function toBody(fields: Readonly<Record<string, unknown>>, name: string, span: Span): Buffer[] {
  const head = Buffer.from(`${JSON.stringify(fields).slice(0, -1)},"${name}":[`);
  return [head, ...encodeSpan(span), end];
}

/** A span's ids as the inside of a JSON array: O(what is new), and a view for each 64 KiB of what is not. */
function encodeSpan({ preamble, run, tail }: Span): Buffer[] {
  const lists = [encodePreamble(preamble), encodeRun(run), appendElements(emptyList, tail)];
  const filled = lists.filter((list) => list.count > 0);
  return filled.flatMap((list, index) => (index === 0 ? elementBytes(list) : [comma, ...elementBytes(list)]));
}

function encodePreamble({ tokens }: TokenBlock): EncodedList {
  const list = encoded.get(tokens) ?? appendElements(emptyList, tokens);
  encoded.set(tokens, list);
  return list;
}

function encodeRun(run: TokenRun | null): EncodedList {
  const missing: TokenRun[] = [];
  let list = emptyList;
  for (const piece of piecesFrom(run)) {
    const known = encoded.get(piece.tokens);
    if (known) {
      list = known;
      break;
    }
    missing.push(piece);
  }
  for (const { tokens } of missing.toReversed()) {
    list = appendElements(list, tokens);
    encoded.set(tokens, list);
  }
  return list;
}
