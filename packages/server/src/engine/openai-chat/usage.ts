/** Token counts of a chat-completions stream, wherever a server puts them (dossier M). */
import type { EngineUsage } from '../engine.ts';
import type { ChatChunk } from './wire.ts';

/** No counts: what a server that never tells them is reported with. */
export const unknownUsage: EngineUsage = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };

function count(...candidates: readonly unknown[]): number {
  for (const each of candidates) {
    if (typeof each === 'number' && Number.isFinite(each)) return Math.max(0, Math.trunc(each));
  }
  return 0;
}

/** The counts that a chunk carries, or null. Cached and reasoning tokens never exceed what they are part of. */
export function toEngineUsage(chunk: ChatChunk): EngineUsage | null {
  const usage = chunk.usage ?? chunk.x_groq?.usage;
  const timings = chunk.timings;
  if (!usage && timings?.prompt_n === undefined) return null;

  const inputTokens = count(usage?.prompt_tokens, count(timings?.prompt_n) + count(timings?.cache_n));
  const outputTokens = count(usage?.completion_tokens, timings?.predicted_n);
  const cached = count(
    usage?.prompt_tokens_details?.cached_tokens,
    usage?.prompt_cache_hit_tokens,
    usage?.cached_tokens,
    timings?.cache_n,
  );
  const reasoning = count(usage?.completion_tokens_details?.reasoning_tokens, usage?.reasoning_tokens);
  return {
    inputTokens,
    cachedTokens: Math.min(cached, inputTokens),
    outputTokens,
    reasoningTokens: Math.min(reasoning, outputTokens),
  };
}
