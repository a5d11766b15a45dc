/** Whether a request asks for a compaction, and when (dossier H.1). */
import { errors, type CreateRequest } from '@longwire/protocol';

/** At once and nothing else, or first of all once the context is larger than a number of tokens. */
export type CompactionPlan = { readonly kind: 'now' } | { readonly kind: 'over'; readonly thresholdTokens: number };

/** Of a model's window, where the client leaves the threshold to us. */
const defaultShare = 0.8;

/**
 * The plan of a request; null where nothing is to be compacted. `modelTokens`: the model's window, where its engine knows.
 * Throws `unsupported_value` or `invalid_value` for a `context_management` that is none.
 */
export function planCompaction(body: CreateRequest, modelTokens: number | null): CompactionPlan | null {
  const threshold = parseThreshold(body, modelTokens);
  if (body.generate === false) return null;
  if (body.input.at(-1)?.type === 'compaction_trigger') return { kind: 'now' };
  return threshold === null ? null : { kind: 'over', thresholdTokens: threshold };
}

/** The smallest of several, since each is a wish to stay below. */
function parseThreshold({ context_management }: CreateRequest, modelTokens: number | null): number | null {
  const share = modelTokens === null ? [] : [Math.floor(modelTokens * defaultShare)];
  const thresholds = (context_management ?? []).flatMap(({ type, compact_threshold }, index) => {
    const path = `context_management[${index}]`;
    if (type !== 'compaction') throw errors.unsupportedValue(`${path}.type`, "must be 'compaction'.");
    if (compact_threshold === undefined || compact_threshold === null) return share;
    if (compact_threshold < 1) throw errors.invalidValue(`${path}.compact_threshold`, 'expected at least 1 token.');
    return [compact_threshold];
  });
  return thresholds.length === 0 ? null : Math.min(...thresholds);
}
