/**
 * An answer that a server must hold to a format where its text begins, although the model may think or call a tool before. No server can
 * be told that. So the model is free at first; when it begins to write text, that is thrown away, and it is asked to go on from there
 * again, held: what it thought stays, and a call is never in the way of a schema.
 */
import type { TextSettings } from '@longwire/protocol';
import type { EngineEvent, TokenLogprob } from '../engine.ts';
import type { TemplateText } from '../chat-template/template.ts';
import type { Token } from '../chat-template/tokenizer.ts';
import { beginsWithText, toSchema } from './answer-settings.ts';
import { Output } from './output.ts';
import type { Prompt } from './prompt.ts';
import type { Span } from './span.ts';

/** Where the text may begin: everything before it was given out, or is nothing. */
interface Settled {
  readonly tokens: number;
  readonly texts: number;
}

/** One answer. */
export class HeldAnswer {
  /** What came so far; another one after {@link beginAgain}. */
  output: Output;
  readonly #prompt: Prompt;
  readonly #schema: Readonly<Record<string, unknown>> | null;
  #isFree: boolean;
  #texts: string[] = [];
  #settled: Settled = { tokens: 0, texts: 0 };
  #hasBegun = false;

  /** `closing`: what the template writes behind an answer. */
  constructor(prompt: Prompt, closing: TemplateText, format: NonNullable<TextSettings['format']>) {
    this.output = new Output(prompt, closing, format.type !== 'text');
    this.#prompt = prompt;
    this.#schema = beginsWithText(prompt) ? toSchema(format) : null;
    this.#isFree = this.#schema !== null && (prompt.targets.size > 0 || this.output.isReasoning);
  }

  /** What the server must hold to from the next token on; null: nothing. */
  get schema(): Readonly<Record<string, unknown>> | null {
    return this.#isFree ? null : this.#schema;
  }

  /** The prompt, and what the answer begins with. */
  get span(): Span {
    const { span } = this.#prompt;
    return this.output.tokens.length === 0 ? span : { ...span, tail: [...span.tail, ...this.output.tokens] };
  }

  /** Whether text has begun that was not held: the server is to be stopped, and {@link beginAgain} called. */
  get mustBeginAgain(): boolean {
    return this.#hasBegun;
  }

  /** As `Output.push`, without text that was not held. */
  push(tokens: readonly Token[], text: string, logprobs: readonly TokenLogprob[] = []): EngineEvent[] {
    if (!this.#isFree) return this.output.push(tokens, text, logprobs);
    if (this.output.isSettled) this.#settled = { tokens: this.output.tokens.length, texts: this.#texts.length };
    this.#texts.push(text);
    return this.#allowed(this.output.push(tokens, text, logprobs));
  }

  /** As `Output.finish`, without text that was not held. */
  finish(): EngineEvent[] {
    if (this.#hasBegun) return [];
    const events = this.output.finish();
    return this.#isFree ? this.#allowed(events) : events;
  }

  /** Goes back to where the text begins, or to the very beginning where not every id is known; from there on the answer is held. */
  beginAgain(areIdsKnown = true): void {
    const { tokens, texts } = areIdsKnown ? this.#settled : { tokens: 0, texts: 0 };
    this.output = this.output.rewound(tokens, this.#texts.slice(0, texts));
    this.#isFree = false;
    this.#hasBegun = false;
    this.#texts = [];
  }

  /** Events up to the first text. */
  #allowed(events: EngineEvent[]): EngineEvent[] {
    const first = events.findIndex(({ type }) => type === 'text.delta' || type === 'call.start');
    if (first === -1) return events;
    if (events[first]?.type === 'call.start') this.#isFree = false;
    else this.#hasBegun = true;
    return this.#hasBegun ? events.slice(0, first) : events;
  }
}
