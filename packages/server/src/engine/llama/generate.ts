/** One generation: lease a sequence, evaluate what it lacks, read the model's tokens as events. */
import { Interruption } from '../engine.ts';
import type { EndReason, EngineEvent, GenerateRequest } from '../engine.ts';
import { Detokenizer } from '../chat-template/detokenizer.ts';
import type { Detokenize } from '../chat-template/detokenizer.ts';
import type { TemplateText } from '../chat-template/template.ts';
import type { Token } from '../chat-template/tokenizer.ts';
import { abortable } from '../token-chain/abortable.ts';
import type { TokenContext } from '../token-chain/context.ts';
import type { Lease } from '../token-chain/lease.ts';
import { Output } from '../token-chain/output.ts';
import type { Prompt } from '../token-chain/prompt.ts';
import type { SequencePool } from '../token-chain/sequences.ts';
import { spanLength } from '../token-chain/span.ts';
import type { EvaluatedSequence, SampledToken, SamplingOptions } from './kv-sequence.ts';
import { toLogprob } from './logprobs.ts';

/** Tokens evaluated at once: between two slices an abort is noticed and other sequences get their turn. */
const sliceTokens = 256;

/** What a generation needs of the loaded model. */
export interface Generator<Sequence extends EvaluatedSequence<Sequence>> {
  readonly pool: SequencePool<Sequence>;
  readonly contextTokens: number;
  readonly detokenize: Detokenize;
  /** What the template writes behind an answer. */
  readonly closing: TemplateText;
  /** The tokens of a text of the engine's own. */
  encode(text: string): Promise<readonly Token[]>;
  /** Makes what holds a model to a grammar, from its GBNF. */
  compile(grammar: string): Promise<SamplingOptions['grammarEvaluationState']>;
}

/** How one generation chooses its tokens. */
export interface GenerationOptions {
  readonly sampling: SamplingOptions;
  /** GBNF that the inputs of custom tools are held to, by the tools' names in the prompt. */
  readonly inputGrammars: ReadonlyMap<string, string>;
}

/**
 * Generates. An interruption ends it with what was counted by then; every other abort throws the signal's reason. Both at once:
 * the sequence is given back when its evaluation has ended.
 */
export async function* generate<Sequence extends EvaluatedSequence<Sequence>>(
  generator: Generator<Sequence>,
  request: GenerateRequest<TokenContext>,
  prompt: Prompt,
  { sampling, inputGrammars }: GenerationOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly EngineEvent[], void> {
  const { settings, context } = request;
  const room = generator.contextTokens - spanLength(prompt.span);
  const limit = Math.min(room, settings.max_output_tokens ?? room);
  const detokenizer = new Detokenizer(generator.detokenize);
  const output = new Output(prompt, generator.closing, settings.text.format.type !== 'text', inputGrammars);
  const lease = await generator.pool.lease(prompt.span, signal);
  let generation: AsyncIterator<SampledToken> | null = null;
  let cached = 0;
  let reason: EndReason = 'stop';
  let hasLeft = false;
  /** Before the end is given out: its reader extends the chain by what it saw, and may go on from there at once. */
  const leave = (wasInterrupted: boolean): void => {
    if (hasLeft) return;
    hasLeft = true;
    context.remember(output.toRaw(wasInterrupted));
    const held = { ...prompt.span, tail: [...prompt.span.tail, ...output.tokens] };
    lease.release(held, async () => generation?.return?.());
  };
  try {
    cached = await abortable(lease.ready, signal);
    const last = await prefill(lease, signal);
    await lease.run(async (sequence) => (generation = sequence.generate(last, sampling)));
    yield* batch(output.begin());

    while (!output.hasEnded && !(output.hasCalled && !settings.parallel_tool_calls)) {
      if (output.tokens.length >= limit) {
        reason = 'max_output_tokens';
        break;
      }
      const sampled = await abortable(
        lease.run(() => nextOf(generation)),
        signal,
      );
      if (sampled === null) break;
      const text = detokenizer.push(sampled.token);
      const logprob = toLogprob(sampled, settings.top_logprobs, generator.detokenize);
      const events = output.push([sampled.token], text, logprob);
      if (!detokenizer.isPending) output.mark();
      const hold = output.takeHold();
      if (hold !== null) {
        const next = hold.text === null ? [sampled.token] : await generator.encode(hold.text);
        output.replaceLast(next);
        const grammarEvaluationState = hold.grammar === null ? undefined : await generator.compile(hold.grammar);
        await lease.run(async (sequence) => {
          await generation?.return?.();
          generation = sequence.generate(next, { ...sampling, grammarEvaluationState });
        });
      }
      yield* batch(events);
    }
    const events = output.finish();
    if (!detokenizer.isPending) output.mark();
    leave(false);
    yield [...events, output.end(reason, cached)];
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
    leave(true);
    yield [output.end('stop', cached)];
  } finally {
    leave(true);
  }
}

/** The model's next token, null at its end of turn. */
async function nextOf(generation: AsyncIterator<SampledToken> | null): Promise<SampledToken | null> {
  const result = await generation?.next();
  return result === undefined || result.done === true ? null : result.value;
}

/** Evaluates a prompt ahead of its turn. A generation that wants the same prompt takes over between two slices. */
export async function warm<Sequence extends EvaluatedSequence<Sequence>>(
  generator: Generator<Sequence>,
  prompt: Prompt,
  signal: AbortSignal,
): Promise<void> {
  const wanted = new AbortController();
  const stop = AbortSignal.any([signal, wanted.signal]);
  const lease = generator.pool.leaseAhead(prompt.span, () => wanted.abort());
  if (lease === null) return;
  try {
    await lease.ready;
    const last = await prefill(lease, stop);
    await abortable(append(lease, last), stop);
  } finally {
    lease.release();
  }
}

/** Evaluates all of the prompt but its last slice's last token, which the model goes on from. */
async function prefill<Sequence extends EvaluatedSequence<Sequence>>(
  lease: Lease<Sequence>,
  signal: AbortSignal,
): Promise<Token[]> {
  const pending = lease.pending();
  let from = 0;
  while (from < pending.length - 1) {
    const to = Math.min(from + sliceTokens, pending.length - 1);
    signal.throwIfAborted();
    await abortable(append(lease, pending.slice(from, to)), signal);
    from = to;
  }
  return pending.slice(from);
}

async function append<Sequence extends EvaluatedSequence<Sequence>>(
  lease: Lease<Sequence>,
  tokens: readonly Token[],
): Promise<void> {
  await lease.run((sequence) => sequence.append(tokens));
  lease.settle();
}

function batch(events: readonly EngineEvent[]): (readonly EngineEvent[])[] {
  return events.length === 0 ? [] : [events];
}
