/** Probabilities of a sampled token -> the log probabilities of the API. */
import type { TokenLogprob } from '../engine.ts';
import type { Detokenize } from '../chat-template/detokenizer.ts';
import type { Token } from '../chat-template/tokenizer.ts';
import type { SampledToken } from './kv-sequence.ts';

/** What is said of a token that has no probability at all: log probabilities are finite in JSON. */
const leastLogprob = -9999;

/** The log probability of a token, with those of the `top` likeliest; empty where the token brought no probabilities. */
export function toLogprob({ token, probabilities }: SampledToken, top: number, detokenize: Detokenize): TokenLogprob[] {
  if (probabilities === undefined) return [];
  const describe = (each: Token): { token: string; bytes: number[]; logprob: number } => {
    const text = detokenize([each], []);
    const probability = probabilities.get(each) ?? 0;
    return {
      token: text,
      bytes: [...Buffer.from(text)],
      logprob: probability > 0 ? Math.log(probability) : leastLogprob,
    };
  };
  const likeliest = [...probabilities.keys().take(top)];
  return [{ ...describe(token), top_logprobs: likeliest.map(describe) }];
}
