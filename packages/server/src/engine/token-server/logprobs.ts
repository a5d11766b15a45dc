/** Log probabilities of servers that name a token by its text. */

/** What is said of a token that has none: log probabilities are finite in JSON. */
export const leastLogprob = -9999;

/** A token as the API has it, without its alternatives. */
export function toTextLogprob(token: string, logprob: number): { token: string; bytes: number[]; logprob: number } {
  return { token, bytes: [...Buffer.from(token)], logprob };
}
