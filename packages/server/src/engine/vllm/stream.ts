/** Events of vLLM -> parts of an answer. */
import type { EndReason, TokenLogprob } from '../engine.ts';
import type { EventForm } from '../token-server/events.ts';
import type { ServerCalls } from '../token-server/calls.ts';
import type { AnswerPart } from '../token-server/generate.ts';
import { leastLogprob, toTextLogprob } from '../token-server/logprobs.ts';
import type { CompletionChoice, CompletionChunk, CompletionLogprobs } from './wire.ts';

const echo = '"prompt_token_ids":[';

/** Events without the prompt that the first one repeats: it is as long as the history, and not read. */
export const echoTrimmed: EventForm<CompletionChunk> = {
  trim(data) {
    const at = data.indexOf(echo);
    const from = at + echo.length;
    // Inside a string its quotes would be escaped.
    return at === -1 ? data : data.slice(0, from) + data.slice(data.indexOf(']', from));
  },
};

/** What an event says; `top`: likeliest tokens that are wanted. Throws `engine_unavailable` for what cannot be gone on from. */
export function toAnswerPart(
  { choices, usage }: CompletionChunk,
  top: number,
  calls: Pick<ServerCalls, 'unusable'>,
): AnswerPart {
  const cachedTokens = usage?.prompt_tokens_details?.cached_tokens;
  const told = cachedTokens === undefined ? {} : { cachedTokens };
  const choice = choices?.[0];
  if (choice === undefined) return { tokens: [], text: '', logprobs: [], ...told };
  const { text = '', token_ids: ids, finish_reason: finish } = choice;
  if (!Array.isArray(ids)) throw calls.unusable('does not tell token ids: vLLM does so from 0.10.2 on');
  if (finish === 'abort') throw calls.unusable('gave its answer up');
  const said = endsWithMark(choice) ? ids.slice(0, -1) : ids;
  const part = { tokens: said, text, logprobs: toLogprobs(choice.logprobs ?? {}, top).slice(0, said.length), ...told };
  return finish ? { ...part, reason: toReason(finish) } : part;
}

/** Whether the last id is the end of turn, which has no text: it is with every stop but that at a stop text. */
function endsWithMark({ finish_reason: finish, stop_reason: stop }: CompletionChoice): boolean {
  return finish === 'stop' && typeof stop !== 'string';
}

function toReason(finish: string): EndReason {
  if (finish === 'length') return 'max_output_tokens';
  return finish === 'content_filter' ? 'content_filter' : 'stop';
}

function toLogprobs(logprobs: CompletionLogprobs, top: number): TokenLogprob[] {
  const { tokens = [], token_logprobs: own = [], top_logprobs: alternatives = [] } = logprobs;
  return tokens.map((token, index) => {
    const likeliest = Object.entries(alternatives[index] ?? {}).toSorted(([, a], [, b]) => b - a);
    return {
      ...toTextLogprob(token, own[index] ?? leastLogprob),
      top_logprobs: likeliest.slice(0, top).map(([text, logprob]) => toTextLogprob(text, logprob)),
    };
  });
}
