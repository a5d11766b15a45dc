/**
 * An answer that is held to something from a point on that nobody knows beforehand: to a format where its text begins, although the model
 * may think or call a tool before, to a tool's grammar inside of that tool's input, and to the schema of a forced call's arguments up to
 * their end. No model can be told that. So it is stopped where the rule changes, and asked to go on from there by the new one: what it
 * thought stays, and a call is never in the way of a schema.
 */
import type { ResponseSettings } from '@longwire/protocol';
import type { EngineEvent, TokenLogprob } from '../engine.ts';
import type { TemplateText } from '../chat-template/template.ts';
import { JsonScanner } from '../chat-template/json-scanner.ts';
import type { Token } from '../chat-template/tokenizer.ts';
import type { InputGrammar } from '../grammar/tool-grammars.ts';
import { beginsWithText, toSchema } from './answer-settings.ts';
import { Output } from './output.ts';
import type { Prompt } from './prompt.ts';
import type { Span } from './span.ts';

/** How a stopped answer is to be gone on with. */
export interface Change {
  /** Tokens of the output that stay. */
  readonly kept: number;
  /** What is to stand behind them before the model goes on. */
  readonly added: string;
}

/** A point in an answer. */
interface Point {
  readonly tokens: number;
  /** What these tokens say. */
  readonly text: string;
}

/** Where a stopped answer goes on. */
interface Turning extends Point {
  readonly added: string;
  /** Whether events stood behind that point, which nobody was told. */
  readonly isBack: boolean;
}

/** One answer. */
export class HeldAnswer {
  /** What came so far; another one after {@link goOn}. */
  output: Output;
  readonly #prompt: Prompt;
  /** What the text is held to; null where it is free, also because a call stands in its place. */
  #schema: Readonly<Record<string, unknown>> | null;
  /** Whether the model is not held to the schema yet. */
  #isFree: boolean;
  #grammar: InputGrammar | null = null;
  /** Follows the arguments of a forced call while they are held to their schema; null: there is none, or they have closed. */
  #arguments: JsonScanner | null;
  readonly #hasGrammars: boolean;
  readonly #parallelCalls: boolean;
  /** The newest point at which no token was half a character. */
  #told: Point = { tokens: 0, text: '' };
  /** Where the text may begin: everything before it was given out, or is nothing. */
  #settled: Point = { tokens: 0, text: '' };
  #turning: Turning | null = null;

  /**
   * `closing`: what the template writes behind an answer. `grammars`: of the inputs of custom tools, by the tools' names in the prompt.
   */
  constructor(
    prompt: Prompt,
    closing: TemplateText,
    { text, parallel_tool_calls }: Pick<ResponseSettings, 'text' | 'parallel_tool_calls'>,
    grammars: ReadonlyMap<string, InputGrammar> = new Map(),
  ) {
    this.output = new Output(prompt, closing, text.format.type !== 'text', grammars);
    this.#prompt = prompt;
    this.#parallelCalls = parallel_tool_calls;
    this.#schema = beginsWithText(prompt) ? toSchema(text.format) : null;
    this.#isFree = this.#schema !== null && (prompt.targets.size > 0 || this.output.isReasoning);
    this.#hasGrammars = grammars.size > 0;
    this.#arguments = prompt.heldTo === null ? null : new JsonScanner();
  }

  /** The schema that the model must be held to from the next token on; null: none. */
  get schema(): Readonly<Record<string, unknown>> | null {
    if (this.#arguments !== null) return this.#prompt.heldTo;
    return this.#isFree || this.#grammar !== null ? null : this.#schema;
  }

  /** The grammar that it must be held to from the next token on; null: none. */
  get grammar(): InputGrammar | null {
    return this.#grammar;
  }

  /** The prompt, and what the answer begins with. */
  get span(): Span {
    const { span } = this.#prompt;
    return this.output.tokens.length === 0 ? span : { ...span, tail: [...span.tail, ...this.output.tokens] };
  }

  /** Whether the model must be stopped here, and asked to go on by another rule: {@link change}, then {@link goOn}. */
  get mustChange(): boolean {
    return this.#turning !== null && !this.#hasCalled;
  }

  /** Whether all was said that may be said: what follows is not asked for. */
  get isOver(): boolean {
    return this.#hasCalled || (this.output.hasEnded && !this.mustChange);
  }

  /** As `Output.push`, without text that was not held. */
  push(tokens: readonly Token[], text: string, logprobs: readonly TokenLogprob[] = []): EngineEvent[] {
    if (this.#arguments !== null) return this.#pushArguments(this.#arguments, tokens, text, logprobs);
    if (!this.#isFree && !this.#hasGrammars) return this.output.push(tokens, text, logprobs);
    const before = this.#told;
    if (this.output.isSettled) this.#settled = before;
    const events = this.#allowed(this.output.push(tokens, text, logprobs));
    if (text !== '') this.#told = { tokens: this.output.tokens.length, text: before.text + text };
    const hold = this.output.takeHold();
    if (hold !== null) {
      this.#grammar = hold.grammar;
      this.#turning = { ...(hold.text === null ? this.#told : before), added: hold.text ?? '', isBack: false };
    }
    return events;
  }

  /** As `Output.finish`, without text that was not held. */
  finish(): EngineEvent[] {
    return this.mustChange ? [] : this.#allowed(this.output.finish());
  }

  /** How to go on. `areIdsKnown` false: all that was said is encoded again. To be asked while {@link mustChange}. */
  change(areIdsKnown = true): Change {
    const { tokens, text, added } = this.#turning ?? { ...this.#settled, added: '' };
    return areIdsKnown ? { kept: tokens, added } : { kept: 0, added: text + added };
  }

  /** Goes on as {@link change} said; `added`: the tokens of its text. */
  goOn(kept: number, added: readonly Token[]): void {
    const turning = this.#turning;
    if (turning === null) return;
    if (turning.isBack) this.output = this.output.rewound(turning.text);
    this.output.tokens.splice(kept, Infinity, ...added);
    this.#told = { tokens: this.output.tokens.length, text: turning.text + turning.added };
    this.#turning = null;
  }

  /** Whether there was a call, and may be no other. */
  get #hasCalled(): boolean {
    return this.output.hasCalled && !this.#parallelCalls;
  }

  #pushArguments(
    json: JsonScanner,
    tokens: readonly Token[],
    text: string,
    logprobs: readonly TokenLogprob[],
  ): EngineEvent[] {
    const events = this.output.push(tokens, text, logprobs);
    for (const character of text) json.push(character);
    this.#told = { tokens: this.output.tokens.length, text: this.#told.text + text };
    if (json.isClosed) {
      this.#arguments = null;
      this.#turning = { ...this.#told, added: '', isBack: false };
    }
    return events;
  }

  /** Events up to the first text that is not held, but has to be. */
  #allowed(events: EngineEvent[]): EngineEvent[] {
    if (!this.#isFree) return events;
    const first = events.findIndex(({ type }) => type === 'text.delta' || type === 'call.start');
    if (first === -1) return events;
    this.#isFree = false;
    if (events[first]?.type === 'call.start') {
      this.#schema = null;
      return events;
    }
    this.#turning = { ...this.#settled, added: '', isBack: true };
    return events.slice(0, first);
  }
}
