/** One generation: lease a sequence, evaluate what it lacks, read the model's tokens as events. */
import { Interruption } from '../engine.ts';
import type { EndReason, EngineEvent, GenerateRequest } from '../engine.ts';
import { Detokenizer } from '../chat-template/detokenizer.ts';
import type { Detokenize } from '../chat-template/detokenizer.ts';
import type { TemplateText } from '../chat-template/template.ts';
import type { Token } from '../chat-template/tokenizer.ts';
import type { InputGrammar } from '../grammar/tool-grammars.ts';
import { abortable } from '../token-chain/abortable.ts';
import { toSchema } from '../token-chain/answer-settings.ts';
import type { TokenContext } from '../token-chain/context.ts';
import type { Lease } from '../token-chain/lease.ts';
import { HeldAnswer } from '../token-chain/held-answer.ts';
import type { Prompt } from '../token-chain/prompt.ts';
import type { SequencePool } from '../token-chain/sequences.ts';
import { spanLength, spanTokensFrom } from '../token-chain/span.ts';
import type { EvaluatedSequence, SampledToken, SamplingOptions } from './kv-sequence.ts';
import { toLogprob } from './logprobs.ts';

/** Tokens evaluated at once: between two slices an abort is noticed and other sequences get their turn. */
const sliceTokens = 256;

const formatField = 'text.format.schema';

type Held = SamplingOptions['grammarEvaluationState'];

/** What a generation needs of the loaded model. */
export interface Generator<Sequence extends EvaluatedSequence<Sequence>> {
  readonly pool: SequencePool<Sequence>;
  readonly contextTokens: number;
  readonly detokenize: Detokenize;
  /** What the template writes behind an answer. */
  readonly closing: TemplateText;
  /** The tokens of a text that the template could have written. */
  encode(text: string): Promise<readonly Token[]>;
  /** Makes what holds a model to a schema. Throws `invalid_value`, of this field, for one that nothing can be held to. */
  compileSchema(schema: Readonly<Record<string, unknown>>, field: string): Promise<Held>;
  /** Makes what holds a model to a grammar, from its GBNF. */
  compileGrammar(gbnf: string): Promise<Held>;
}

/** How one generation chooses its tokens. */
export interface GenerationOptions {
  readonly sampling: SamplingOptions;
  /** What the inputs of custom tools are held to, by the tools' names in the prompt. */
  readonly inputGrammars: ReadonlyMap<string, InputGrammar>;
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
  const answer = new HeldAnswer(prompt, generator.closing, settings, inputGrammars);
  const schema = toSchema(settings.text.format);
  // What is no schema is refused before anything is told: it may be needed behind the model's thoughts only.
  if (schema !== null) await generator.compileSchema(schema, formatField);
  if (prompt.heldTo !== null) await generator.compileSchema(prompt.heldTo, 'tool_choice');
  let detokenizer = new Detokenizer(generator.detokenize);
  const lease = await generator.pool.lease(prompt.span, signal);
  let generation: AsyncIterator<SampledToken> | null = null;
  let cached = 0;
  let reason: EndReason = 'stop';
  let hasLeft = false;
  /** Before the end is given out: its reader extends the chain by what it saw, and may go on from there at once. */
  const leave = (wasInterrupted: boolean): void => {
    if (hasLeft) return;
    hasLeft = true;
    context.remember(answer.output.toRaw(wasInterrupted));
    lease.release(answer.span, async () => generation?.return?.());
  };
  /** Lets the model go on behind the answer so far, of which the sequence may keep no more than `valid` tokens, prompt included. */
  const goOn = (valid: number): Promise<void> =>
    lease.run(async (sequence) => {
      await generation?.return?.();
      const { span } = answer;
      await sequence.truncate(Math.min(valid, spanLength(span) - 1));
      const grammarEvaluationState = await compileRule(generator, answer);
      generation = sequence.generate(spanTokensFrom(span, sequence.length), { ...sampling, grammarEvaluationState });
    });
  /** Reads until the model has said all, or enough. */
  const read = async function* (): AsyncGenerator<readonly EngineEvent[], void> {
    const { output } = answer;
    while (!answer.isOver && !answer.mustChange) {
      if (output.tokens.length >= limit) {
        reason = 'max_output_tokens';
        return;
      }
      const sampled = await abortable(
        lease.run(() => nextOf(generation)),
        signal,
      );
      if (sampled === null) return;
      const text = detokenizer.push(sampled.token);
      const logprob = toLogprob(sampled, settings.top_logprobs, generator.detokenize);
      const events = answer.push([sampled.token], text, logprob);
      if (!detokenizer.isPending) output.mark();
      yield* batch(events);
    }
  };
  try {
    cached = await abortable(lease.ready, signal);
    await prefill(lease, signal);
    yield* batch(answer.output.begin());
    await goOn(Infinity);
    yield* read();
    let events = answer.finish();
    while (answer.mustChange) {
      yield* batch(events);
      const { kept, added } = answer.change();
      answer.goOn(kept, added === '' ? [] : await generator.encode(added));
      detokenizer = new Detokenizer(generator.detokenize, answer.output.tokens);
      reason = 'stop';
      await goOn(spanLength(prompt.span) + kept);
      yield* read();
      events = answer.finish();
    }
    if (!detokenizer.isPending) answer.output.mark();
    leave(false);
    yield [...events, answer.output.end(reason, cached)];
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
    leave(true);
    yield [answer.output.end('stop', cached)];
  } finally {
    leave(true);
  }
}

/** What holds the model to the rule that an answer is under now. */
async function compileRule(
  generator: Pick<Generator<never>, 'compileSchema' | 'compileGrammar'>,
  { schema, grammar }: HeldAnswer,
): Promise<Held> {
  if (schema !== null) return generator.compileSchema(schema, formatField);
  return grammar === null ? undefined : generator.compileGrammar(grammar.gbnf);
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
