/** Token counts of one response (dossier M). */
import { type Static, Type } from './schema.ts';

/** Tokens in and out, and how many of them came from the cache. */
export const Usage = Type.Object({
  /** The whole logical context of the chain, not the delta that was sent. */
  input_tokens: Type.Integer(),
  input_tokens_details: Type.Object({
    cached_tokens: Type.Integer(),
    cache_write_tokens: Type.Optional(Type.Integer()),
    cache_write_tokens_details: Type.Optional(
      Type.Object({ ttl_30m_tokens: Type.Integer(), ttl_12h_tokens: Type.Integer() }),
    ),
  }),
  output_tokens: Type.Integer(),
  output_tokens_details: Type.Object({ reasoning_tokens: Type.Integer() }),
  total_tokens: Type.Integer(),
});
export type Usage = Static<typeof Usage>;

/** What `createUsage` counts from. Everything in tokens. */
export interface UsageCounts {
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

/** Usage with every field that clients read; `cache_write_tokens` is what was evaluated and kept. */
export function createUsage(counts: UsageCounts): Usage {
  return {
    input_tokens: counts.inputTokens,
    input_tokens_details: {
      cached_tokens: counts.cachedTokens,
      cache_write_tokens: Math.max(0, counts.inputTokens - counts.cachedTokens),
    },
    output_tokens: counts.outputTokens,
    output_tokens_details: { reasoning_tokens: counts.reasoningTokens },
    total_tokens: counts.inputTokens + counts.outputTokens,
  };
}
