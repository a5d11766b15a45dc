/** A question -> the body of `POST /v1/completions`. */
import { wantsLogprobs } from '../token-chain/answer-settings.ts';
import { toCacheSalt } from '../token-server/cache-salt.ts';
import type { Question } from '../token-server/generate.ts';
import { toBody } from '../token-server/prompt-ids.ts';

/** The body as buffers to be written in order. `seed` null: the server takes a fresh one. */
export function toCompletionBody({ request, span, schema, grammar, limit }: Question, seed: number | null): Buffer[] {
  const { requested, settings, model } = request;
  const fields: Record<string, unknown> = {
    model,
    max_tokens: limit,
    stream: true,
    stream_options: { include_usage: true },
    return_token_ids: true,
    cache_salt: toCacheSalt(request.project),
    // The marks of calls and reasoning are special tokens with some models.
    skip_special_tokens: false,
    spaces_between_special_tokens: false,
  };
  // A setting that was left out stays the server's own.
  if (typeof requested.temperature === 'number') fields['temperature'] = requested.temperature;
  if (typeof requested.top_p === 'number') fields['top_p'] = requested.top_p;
  if (seed !== null) fields['seed'] = seed;
  if (wantsLogprobs(request)) fields['logprobs'] = settings.top_logprobs;
  if (schema !== null)
    fields['response_format'] = { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } };
  if (grammar !== null) fields['structured_outputs'] = { grammar: grammar.gbnf };
  return toBody(fields, 'prompt', span);
}
