/** Token counts of an upstream response (dossier M). */
import type { EngineUsage } from '../engine.ts';
import type { UpstreamUsage } from './wire.ts';

function count(value: number | null | undefined): number {
  return typeof value === 'number' && Number.isFinite(value) ? Math.max(0, Math.trunc(value)) : 0;
}

/** The counts, 0 where the upstream tells none. Cached and reasoning tokens never exceed what they are part of. */
export function toEngineUsage(usage: UpstreamUsage | null | undefined): EngineUsage {
  const inputTokens = count(usage?.input_tokens);
  const outputTokens = count(usage?.output_tokens);
  return {
    inputTokens,
    cachedTokens: Math.min(inputTokens, count(usage?.input_tokens_details?.cached_tokens)),
    outputTokens,
    reasoningTokens: Math.min(outputTokens, count(usage?.output_tokens_details?.reasoning_tokens)),
  };
}
