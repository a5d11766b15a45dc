/** A prompt and its settings -> the body of `POST /completion`, where no id that was encoded once is encoded again. */
import type { GenerateRequest } from '../engine.ts';
import type { Token } from '../chat-template/tokenizer.ts';
import type { Prompt } from '../token-chain/prompt.ts';
import { piecesFrom } from '../token-chain/context.ts';
import type { Span } from '../token-chain/span.ts';
import { lastFields } from './wire.ts';

/** Encoded ids of the arrays that contexts and preambles keep: `1,2,3`. */
const encoded = new WeakMap<readonly Token[], Buffer>();
const comma = Buffer.from(',');
const end = Buffer.from(']}');

/** What one completion asks for besides its prompt. */
export interface CompletionOptions {
  readonly slot: number;
  /** Most tokens of the answer; the server says one even for 0. */
  readonly limit: number;
}

/** The body as buffers to be written in order. */
export function toCompletionBody(
  request: GenerateRequest<unknown>,
  prompt: Prompt,
  { slot, limit }: CompletionOptions,
): Buffer[] {
  const { requested, settings } = request;
  const fields: Record<string, unknown> = {
    id_slot: slot,
    n_predict: limit,
    cache_prompt: true,
    stream: true,
    return_tokens: true,
    return_progress: true,
    response_fields: lastFields,
    preserved_tokens: prompt.family.marks,
  };
  // A setting that was left out stays the server's own.
  if (typeof requested.temperature === 'number') fields['temperature'] = requested.temperature;
  if (typeof requested.top_p === 'number') fields['top_p'] = requested.top_p;
  if (wantsLogprobs(request)) fields['n_probs'] = Math.max(1, settings.top_logprobs);
  // The server cannot be told to hold an answer to a format and yet to leave calls free.
  const isHeld = prompt.targets.size === 0 && ['', prompt.family.finalStart].includes(prompt.forced.text);
  const { format } = settings.text;
  if (isHeld && format.type === 'json_object') fields['json_schema'] = { type: 'object' };
  if (isHeld && format.type === 'json_schema') fields['json_schema'] = format.schema;
  const head = Buffer.from(`${JSON.stringify(fields).slice(0, -1)},"prompt":[`);
  return [head, ...encodeSpan(prompt.span), end];
}

/** Whether the request asks for log probabilities. */
export function wantsLogprobs({ settings, requested }: GenerateRequest<unknown>): boolean {
  return settings.top_logprobs > 0 || (requested.include ?? []).includes('message.output_text.logprobs');
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
