/** A question -> the body of `POST /generate`. */
import { wantsLogprobs } from '../token-chain/answer-settings.ts';
import { toCacheSalt } from '../token-server/cache-salt.ts';
import type { Question } from '../token-server/generate.ts';
import { toBody } from '../token-server/prompt-ids.ts';

/** What one answer is asked with besides its prompt. */
export interface GenerateOptions {
  /** The request's own id, by which it can be stopped. */
  readonly rid: string;
  /** Null: the server takes a fresh one. */
  readonly seed: number | null;
}

/** The body as buffers to be written in order. */
export function toGenerateBody(
  { request, span, schema, grammar, limit }: Question,
  { rid, seed }: GenerateOptions,
): Buffer[] {
  const { requested, settings } = request;
  const sampling: Record<string, unknown> = {
    max_new_tokens: limit,
    // The marks of calls and reasoning are special tokens with some models.
    skip_special_tokens: false,
    spaces_between_special_tokens: false,
  };
  // A setting that was left out stays the server's own.
  if (typeof requested.temperature === 'number') sampling['temperature'] = requested.temperature;
  if (typeof requested.top_p === 'number') sampling['top_p'] = requested.top_p;
  if (seed !== null) sampling['sampling_seed'] = seed;
  if (schema !== null) sampling['json_schema'] = JSON.stringify(schema);
  if (grammar !== null) sampling['ebnf'] = grammar.gbnf;
  const logprobs = { return_logprob: true, top_logprobs_num: settings.top_logprobs, return_text_in_logprobs: true };
  const fields = {
    rid,
    stream: true,
    sampling_params: sampling,
    // The radix cache keeps requests of different keys apart.
    extra_key: toCacheSalt(request.project),
    ...(wantsLogprobs(request) ? logprobs : {}),
  };
  return toBody(fields, 'input_ids', span);
}
