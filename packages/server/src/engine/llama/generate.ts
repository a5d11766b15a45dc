/** One generation: lease a sequence, evaluate what it lacks, read the model's tokens as events. */
import type { Token } from 'node-llama-cpp';
import type { EngineEvent, EngineUsage, GenerateRequest } from '../engine.ts';
import { abortable } from './abortable.ts';
import type { LlamaContext } from './context.ts';
import { Detokenizer } from './detokenizer.ts';
import type { Detokenize } from './detokenizer.ts';
import { JsonScanner } from './json-scanner.ts';
import type { SamplingOptions } from './kv-sequence.ts';
import type { Prompt } from './prompt.ts';
import type { Lease, SequencePool } from './sequences.ts';
import { spanLength } from './span.ts';
import { OutputSignature } from './signature.ts';
import { OutputParser } from './stream.ts';
import type { TemplateText } from './template.ts';

/** Tokens evaluated at once: between two slices an abort is noticed and other sequences get their turn. */
const sliceTokens = 256;

/** What a generation needs of the loaded model. */
export interface Generator {
  readonly pool: SequencePool;
  readonly contextTokens: number;
  readonly detokenize: Detokenize;
  /** What the template writes behind an answer. */
  readonly closing: TemplateText;
}

/** Generates. Throws the signal's reason as soon as it aborts; the sequence is given back when its evaluation has ended. */
export async function* generate(
  generator: Generator,
  request: GenerateRequest<LlamaContext>,
  prompt: Prompt,
  sampling: SamplingOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly EngineEvent[], void> {
  const { settings, context } = request;
  const room = generator.contextTokens - spanLength(prompt.span);
  const limit = Math.min(room, settings.max_output_tokens ?? room);
  const output = new Output(prompt, generator.detokenize, settings.text.format.type !== 'text');
  const lease = await generator.pool.lease(prompt.span, signal);
  try {
    const cached = await abortable(lease.ready, signal);
    lease.start(await prefill(lease, signal), sampling);
    yield* batch(output.begin());

    let reason: 'stop' | 'max_output_tokens' = 'stop';
    while (!output.hasEnded && !(output.calls > 0 && !settings.parallel_tool_calls && output.isBetweenItems)) {
      if (output.tokens.length >= limit) {
        reason = 'max_output_tokens';
        break;
      }
      const token = await abortable(lease.next(), signal);
      if (token === null) break;
      yield* batch(output.push(token));
    }
    const usage: EngineUsage = {
      inputTokens: prompt.length,
      cachedTokens: Math.min(cached, prompt.length),
      outputTokens: prompt.forced.tokens.length + output.tokens.length,
      reasoningTokens: output.reasoningTokens,
    };
    yield [...output.finish(), { type: 'end', reason, usage }];
  } finally {
    const written = [...prompt.forced.tokens, ...output.tokens];
    if (written.length > 0 && output.isSettled)
      context.remember({
        tokens: [...prompt.opening.tokens, ...written, ...generator.closing.tokens],
        signature: output.signature,
      });
    lease.release({ ...prompt.span, tail: [...prompt.span.tail, ...output.tokens] });
  }
}

/** Evaluates a prompt ahead of its turn. A generation that wants the same prompt takes over between two slices. */
export async function warm(generator: Generator, prompt: Prompt, signal: AbortSignal): Promise<void> {
  const wanted = new AbortController();
  const stop = AbortSignal.any([signal, wanted.signal]);
  const lease = generator.pool.leaseAhead(prompt.span, () => wanted.abort());
  if (lease === null) return;
  try {
    await lease.ready;
    const last = await prefill(lease, stop);
    await abortable(lease.append(last), stop);
  } finally {
    lease.release();
  }
}

/** Evaluates all of the prompt but its last slice's last token, which the model goes on from. */
async function prefill(lease: Lease, signal: AbortSignal): Promise<Token[]> {
  const pending = lease.pending();
  let from = 0;
  while (from < pending.length - 1) {
    const to = Math.min(from + sliceTokens, pending.length - 1);
    signal.throwIfAborted();
    await abortable(lease.append(pending.slice(from, to)), signal);
    from = to;
  }
  return pending.slice(from);
}

function batch(events: readonly EngineEvent[]): (readonly EngineEvent[])[] {
  return events.length === 0 ? [] : [events];
}

/** A model's output as it grows: tokens, their text, what the text means. */
class Output {
  readonly tokens: Token[] = [];
  reasoningTokens = 0;
  /** True once a JSON answer has closed: the grammar would let space follow without end. */
  hasEnded = false;
  readonly #forced: TemplateText;
  readonly #detokenizer: Detokenizer;
  readonly #parser: OutputParser;
  readonly #signature = new OutputSignature();
  readonly #json: JsonScanner | null;

  constructor(prompt: Prompt, detokenize: Detokenize, isJson: boolean) {
    this.#forced = prompt.forced;
    this.#detokenizer = new Detokenizer(detokenize);
    this.#parser = new OutputParser(prompt.targets, prompt.opening.text.trimEnd().endsWith('<think>'));
    this.#json = isJson ? new JsonScanner() : null;
  }

  get calls(): number {
    return this.#parser.calls;
  }

  get isBetweenItems(): boolean {
    return this.#parser.isBetweenItems;
  }

  /** Whether the events so far say all that the tokens say. */
  get isSettled(): boolean {
    return this.#parser.isSettled && !this.#detokenizer.isPending;
  }

  get signature(): string {
    return this.#signature.toString();
  }

  /** Events of what the prompt put into the model's mouth. */
  begin(): EngineEvent[] {
    return this.#forced.text === '' ? [] : this.#read(this.#forced.text);
  }

  push(token: Token): EngineEvent[] {
    this.tokens.push(token);
    if (this.#parser.isReasoning) this.reasoningTokens += 1;
    const text = this.#detokenizer.push(token);
    return text === '' ? [] : this.#read(text);
  }

  finish(): EngineEvent[] {
    return this.#record(this.#parser.finish());
  }

  #read(text: string): EngineEvent[] {
    return this.#record(this.#parser.push(text));
  }

  #record(events: EngineEvent[]): EngineEvent[] {
    for (const event of events) {
      this.#signature.apply(event);
      if (this.#json !== null && event.type === 'text.delta')
        for (const character of event.delta) this.#json.push(character);
    }
    this.hasEnded = this.#json?.isClosed ?? false;
    return events;
  }
}
