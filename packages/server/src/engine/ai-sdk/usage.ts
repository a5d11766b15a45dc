/** Token counts of a provider's call (dossier M). */
import type { EngineUsage } from '../engine.ts';
import type { ModelUsage } from './wire.ts';

function count(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) ? Math.max(0, Math.trunc(value)) : 0;
}

/** The counts, 0 where the provider tells none. Cached and reasoning tokens never exceed what they are part of. */
export function toEngineUsage({ inputTokens: input, outputTokens: output }: ModelUsage): EngineUsage {
  const cached = count(input?.cacheRead);
  const inputTokens = count(input?.total ?? count(input?.noCache) + cached + count(input?.cacheWrite));
  const reasoning = count(output?.reasoning);
  const outputTokens = count(output?.total ?? count(output?.text) + reasoning);
  return {
    inputTokens,
    cachedTokens: Math.min(cached, inputTokens),
    outputTokens,
    reasoningTokens: Math.min(reasoning, outputTokens),
  };
}
