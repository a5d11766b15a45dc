/** One generation on a slot: send the ids, read the events, and keep what the chain needs to go on. */
import { Interruption } from '../engine.ts';
import type { EndReason, EngineEvent, GenerateRequest, TokenLogprob } from '../engine.ts';
import type { TemplateText } from '../chat-template/template.ts';
import type { Token } from '../chat-template/tokenizer.ts';
import { toInputGrammars } from '../grammar/tool-grammars.ts';
import { abortable } from '../token-chain/abortable.ts';
import type { TokenContext } from '../token-chain/context.ts';
import { HeldAnswer } from '../token-chain/held-answer.ts';
import type { Prompt } from '../token-chain/prompt.ts';
import type { SequencePool } from '../token-chain/sequences.ts';
import { spanLength } from '../token-chain/span.ts';
import type { LlamaServerApi } from './api.ts';
import { toCompletionBody } from './request.ts';
import type { RemoteSlot } from './slot.ts';
import { TokenGaps } from './token-gaps.ts';
import type { CompletionChunk, TokenProbability } from './wire.ts';

/** What a generation needs of the server. */
export interface Generator {
  readonly api: LlamaServerApi;
  readonly pool: SequencePool<RemoteSlot>;
  /** Tokens of one slot. */
  readonly contextTokens: number;
  /** What the template writes behind an answer. */
  readonly closing: TemplateText;
  /** The tokens of a text that the template could have written. */
  encode(text: string): Promise<readonly Token[]>;
  /** Null: a fresh one for each generation. */
  readonly seed: number | null;
}

/** Generates. An interruption ends it with what was counted by then; every other abort throws the signal's reason. */
export async function* generate(
  generator: Generator,
  request: GenerateRequest<TokenContext>,
  prompt: Prompt,
  signal: AbortSignal,
): AsyncGenerator<readonly EngineEvent[], void> {
  const { settings, context } = request;
  const promptLength = spanLength(prompt.span);
  const room = generator.contextTokens - promptLength;
  const limit = Math.min(room, settings.max_output_tokens ?? room);
  const answer = new HeldAnswer(prompt, generator.closing, settings, toInputGrammars(request, prompt.family));
  let gaps = new TokenGaps(answer.output.tokens);
  const lease = await generator.pool.lease(prompt.span, signal);
  const slot = lease.sequence;
  let known = 0;
  let cached = 0;
  let reason: EndReason = 'stop';
  let hasLeft = false;
  const leave = (wasInterrupted: boolean): void => {
    if (hasLeft) return;
    hasLeft = true;
    if (gaps.areClosed) context.remember(answer.output.toRaw(wasInterrupted));
    slot.isBusy = false;
    lease.release(answer.span);
  };
  /** Asks, and reads until the server has said all, or enough. `isFirst`: what a later question finds, the first one left there. */
  const read = async function* (isFirst: boolean): AsyncGenerator<readonly EngineEvent[], void> {
    const { span, schema, grammar, output } = answer;
    const rest = limit - output.tokens.length;
    if (rest <= 0) {
      reason = 'max_output_tokens';
      return;
    }
    const isOwn = known > 0 || !isFirst;
    const how = {
      span,
      schema,
      grammar: grammar?.gbnf ?? null,
      slot: slot.id,
      isOwn,
      limit: rest,
      seed: generator.seed,
    };
    const body = toCompletionBody(request, prompt, how);
    let events = isFirst ? output.begin() : [];
    for await (const chunks of generator.api.completion(body, signal, request.trace)) {
      for (const chunk of chunks) {
        if (isFirst) cached = chunk.timings?.cache_n ?? chunk.prompt_progress?.cache ?? cached;
        if (chunk.prompt_progress !== undefined) continue;
        if (chunk.stop === true) {
          if (chunk.stop_type === 'limit') reason = 'max_output_tokens';
          // The server counts the end of turn among the answer's tokens; the template writes its own.
          if (chunk.stop_type === 'eos' && (chunk.tokens_predicted ?? gaps.told) === gaps.told) output.unsay();
          break;
        }
        gaps.note(chunk);
        events.push(...answer.push(gaps.take(chunk), chunk.content ?? '', toLogprobs(chunk)));
        slot.length = promptLength + output.tokens.length;
        output.mark();
        if (!answer.isOver && !answer.mustChange) continue;
        if (events.length > 0) yield events;
        return;
      }
      if (events.length > 0) yield events;
      events = [];
    }
  };
  try {
    known = await abortable(lease.ready, signal);
    slot.isBusy = true;
    yield* read(true);
    await gaps.close(generator.api);
    let events = answer.finish();
    while (answer.mustChange) {
      if (events.length > 0) yield events;
      const { kept, added } = answer.change(gaps.areClosed);
      answer.goOn(kept, added === '' ? [] : await generator.encode(added));
      gaps = new TokenGaps(answer.output.tokens);
      reason = 'stop';
      yield* read(false);
      await gaps.close(generator.api);
      events = answer.finish();
    }
    answer.output.mark();
    leave(false);
    yield [...events, answer.output.end(reason, cached)];
  } catch (error) {
    if (!(error instanceof Interruption)) {
      // Nobody knows what the slot holds now.
      if (!signal.aborted) slot.length = 0;
      throw error;
    }
    await gaps.close(generator.api);
    leave(true);
    yield [answer.output.end('stop', cached)];
  } finally {
    leave(true);
  }
}

/** Evaluates a prompt ahead of its turn. */
export async function warm(
  generator: Generator,
  request: GenerateRequest<TokenContext>,
  prompt: Prompt,
  signal: AbortSignal,
): Promise<void> {
  const wanted = new AbortController();
  const stop = AbortSignal.any([signal, wanted.signal]);
  const lease = generator.pool.leaseAhead(prompt.span, () => wanted.abort());
  if (lease === null) return;
  const slot = lease.sequence;
  try {
    const isOwn = (await lease.ready) > 0;
    slot.isBusy = true;
    const body = toCompletionBody(request, prompt, {
      span: prompt.span,
      schema: null,
      grammar: null,
      slot: slot.id,
      isOwn,
      limit: 0,
      seed: null,
    });
    for await (const chunks of generator.api.completion(body, stop)) {
      for (const { prompt_progress: progress } of chunks)
        if (progress !== undefined) slot.length = Math.max(slot.length, progress.processed);
    }
    slot.length = spanLength(prompt.span);
  } finally {
    slot.isBusy = false;
    lease.release();
  }
}

function toLogprobs(chunk: CompletionChunk): TokenLogprob[] {
  return (chunk.completion_probabilities ?? []).map((each) => ({
    ...toLogprob(each),
    top_logprobs: (each.top_logprobs ?? []).map(toLogprob),
  }));
}

function toLogprob({ token, bytes, logprob }: TokenProbability): { token: string; bytes: number[]; logprob: number } {
  return { token, bytes: [...(bytes ?? [])], logprob };
}
