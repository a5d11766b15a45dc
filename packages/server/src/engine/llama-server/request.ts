/** A prompt and its settings -> the body of `POST /completion`. */
import type { GenerateRequest } from '../engine.ts';
import { wantsLogprobs } from '../token-chain/answer-settings.ts';
import type { Prompt } from '../token-chain/prompt.ts';
import type { Span } from '../token-chain/span.ts';
import { toBody } from '../token-server/prompt-ids.ts';
import { lastFields } from './wire.ts';

/** What one completion asks for. */
export interface CompletionOptions {
  /** What is to be gone on from. */
  readonly span: Span;
  /** What the answer is held to from its first token on; null: nothing. */
  readonly schema: Readonly<Record<string, unknown>> | null;
  /** The same as GBNF. At most one of them is given. */
  readonly grammar: string | null;
  readonly slot: number;
  /** Whether what the slot holds is the same project's: else it evaluates everything, so that `cached_tokens` tells nothing of another one. */
  readonly isOwn: boolean;
  /** Most tokens of the answer; the server says one even for 0. */
  readonly limit: number;
  /** Null: the server takes a fresh one. */
  readonly seed: number | null;
}

/** The body as buffers to be written in order. */
export function toCompletionBody(
  request: GenerateRequest<unknown>,
  prompt: Prompt,
  { span, schema, grammar, slot, isOwn, limit, seed }: CompletionOptions,
): Buffer[] {
  const { requested, settings } = request;
  const fields: Record<string, unknown> = {
    id_slot: slot,
    n_predict: limit,
    cache_prompt: isOwn,
    stream: true,
    return_tokens: true,
    return_progress: true,
    response_fields: lastFields,
    preserved_tokens: prompt.family.marks,
  };
  // A setting that was left out stays the server's own.
  if (typeof requested.temperature === 'number') fields['temperature'] = requested.temperature;
  if (typeof requested.top_p === 'number') fields['top_p'] = requested.top_p;
  if (seed !== null) fields['seed'] = seed;
  if (wantsLogprobs(request)) fields['n_probs'] = Math.max(1, settings.top_logprobs);
  if (schema !== null) fields['json_schema'] = schema;
  if (grammar !== null) fields['grammar'] = grammar;
  return toBody(fields, 'prompt', span);
}
