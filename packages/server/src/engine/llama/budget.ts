/** How many KV sequences of which length a memory budget allows (engines dossier 5). */

/** Shape of a model's attention, from its GGUF. */
export interface AttentionShape {
  readonly layers: number;
  /** Key-value heads of a layer. */
  readonly kvHeads: number;
  /** Width of a head. */
  readonly headWidth: number;
  /** Tokens that the model was trained for. */
  readonly trainedTokens: number;
}

/** The pool that a budget buys. */
export interface PoolSize {
  /** Tokens that one sequence holds. */
  readonly contextTokens: number;
  readonly sequences: number;
}

export const defaultMemoryBudgetBytes = 128 * 2 ** 20;
/** llama.cpp's limit of sequences in a context. */
const mostSequences = 256;
/** The least that an unasked-for context should hold, where the model can. */
const usefulTokens = 4096;
const bytesOfHalf = 2;

/** KV bytes of one token: keys and values of every layer, as 16-bit floats. */
export function kvBytesPerToken(shape: AttentionShape): number {
  return 2 * shape.layers * shape.kvHeads * shape.headWidth * bytesOfHalf;
}

/**
 * The pool for a budget: never less than one sequence. A length that nobody asked for is the trained one, shortened so that
 * four sequences fit, but not below 4,096.
 */
export function toPoolSize(shape: AttentionShape, budgetBytes: number, contextTokens: number | null): PoolSize {
  const bytesPerToken = kvBytesPerToken(shape);
  const affordable = Math.floor(budgetBytes / bytesPerToken / 4);
  const tokens = Math.min(shape.trainedTokens, contextTokens ?? Math.max(usefulTokens, affordable));
  const sequences = Math.floor(budgetBytes / (tokens * bytesPerToken));
  return { contextTokens: tokens, sequences: Math.min(mostSequences, Math.max(1, sequences)) };
}
