/** Events of SGLang -> parts of an answer. */
import type { TokenLogprob } from '../engine.ts';
import type { ServerCalls } from '../token-server/calls.ts';
import type { AnswerPart } from '../token-server/generate.ts';
import { leastLogprob, toTextLogprob } from '../token-server/logprobs.ts';
import type { FinishReason, GenerateChunk, LogprobEntry } from './wire.ts';

/** How faults of the server are told. */
type Faults = Pick<ServerCalls, 'unusable' | 'failure'>;

/** Reads one answer, whose events say all so far, or with `isIncremental` what is new. */
export class AnswerReader {
  readonly #isIncremental: boolean;
  readonly #calls: Faults;
  #ids = 0;
  #characters = 0;
  #logprobs = 0;

  constructor(isIncremental: boolean, calls: Faults) {
    this.#isIncremental = isIncremental;
    this.#calls = calls;
  }

  /** What an event says. Throws a catalogue error for an answer that the server gave up. */
  read({ text, output_ids: ids, meta_info: meta = {} }: GenerateChunk): AnswerPart {
    if (text === undefined || ids === undefined)
      throw this.#calls.unusable('answers without text: it must be started without --skip-tokenizer-init');
    const finish = meta.finish_reason ?? null;
    if (finish?.type === 'abort') throw this.#calls.failure(toFault(finish));
    // Some versions give new ids with all the text: the count tells.
    const isWhole = !this.#isIncremental && ids.length === (meta.completion_tokens ?? ids.length);
    const fresh = isWhole ? ids.slice(this.#ids) : ids;
    this.#ids += fresh.length;
    const tokens = fresh.length > 0 && fresh.at(-1) === finish?.matched ? fresh.slice(0, -1) : fresh;
    const part = {
      tokens,
      text: this.#isIncremental ? text : text.slice(this.#characters),
      logprobs: this.#readLogprobs(meta).slice(0, tokens.length),
      ...(meta.cached_tokens === undefined ? {} : { cachedTokens: meta.cached_tokens }),
    };
    this.#characters = text.length;
    if (finish === null) return part;
    return { ...part, reason: finish.type === 'length' ? 'max_output_tokens' : 'stop' };
  }

  #readLogprobs(meta: NonNullable<GenerateChunk['meta_info']>): TokenLogprob[] {
    const from = this.#isIncremental ? 0 : this.#logprobs;
    const own = meta.output_token_logprobs?.slice(from) ?? [];
    const top = meta.output_top_logprobs?.slice(from) ?? [];
    this.#logprobs += own.length;
    return own.map((entry, index) => ({ ...toLogprob(entry), top_logprobs: (top[index] ?? []).map(toLogprob) }));
  }
}

function toLogprob([logprob, , text]: LogprobEntry): { token: string; bytes: number[]; logprob: number } {
  return toTextLogprob(text ?? '', logprob ?? leastLogprob);
}

function toFault({ message, status_code: code }: FinishReason): unknown {
  return { error: { message: message ?? '', code: code ?? 500 } };
}
