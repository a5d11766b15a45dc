/** A model's output as it grows: its tokens, their text, what the text means, and where the chain may go on from it. */
import type { EndReason, EngineEvent, TokenLogprob } from '../engine.ts';
import type { OutputParser } from '../chat-template/families/family.ts';
import { JsonScanner } from '../chat-template/json-scanner.ts';
import { OutputSignature } from '../chat-template/signature.ts';
import { customInputParameter, toChatName } from '../chat-template/tools.ts';
import type { TemplateText } from '../chat-template/template.ts';
import type { Token } from '../chat-template/tokenizer.ts';
import type { InputGrammar } from '../grammar/tool-grammars.ts';
import type { RawOutput } from './context.ts';
import type { Prompt } from './prompt.ts';

/** Points kept at which an interruption may have cut the output: a reader is at most some batches behind. */
const keptCuts = 4;

/** A point at which all that the tokens say was given out. */
interface Cut {
  readonly length: number;
  readonly signature: () => string;
}

/** From here on the model is held to a grammar, or, with null, no longer. */
export interface Hold {
  readonly grammar: InputGrammar | null;
  /** What stands in place of the last piece of text, and its tokens, before the grammar begins; null where they stay. */
  readonly text: string | null;
}

/** What stands between the brace of a custom tool's arguments and its text. */
const inputOpening = `"${customInputParameter}": "`;

/** Tokens and their text -> events. */
export class Output {
  readonly tokens: Token[] = [];
  reasoningTokens = 0;
  /** True once a JSON answer has closed: the grammar would let space follow without end. */
  hasEnded = false;
  readonly #prompt: Prompt;
  readonly #closing: TemplateText;
  readonly #parser: OutputParser;
  readonly #signature = new OutputSignature();
  readonly #json: JsonScanner | null;
  readonly #grammars: ReadonlyMap<string, InputGrammar>;
  #isHeld = false;
  #hold: Hold | null = null;
  #cuts: Cut[] = [];
  /** Of tokens whose text is held back. */
  #logprobs: TokenLogprob[] = [];

  /**
   * `closing`: what the template writes behind an answer. `isJson`: the answer is held to a format. `grammars`: what the inputs of custom
   * tools are held to, by the tools' names in the prompt.
   */
  constructor(
    prompt: Prompt,
    closing: TemplateText,
    isJson: boolean,
    grammars: ReadonlyMap<string, InputGrammar> = new Map(),
  ) {
    this.#grammars = grammars;
    this.#prompt = prompt;
    this.#closing = closing;
    this.#parser = prompt.family.createParser(prompt.targets, prompt.opening.text);
    this.#json = isJson ? new JsonScanner() : null;
  }

  /** Tokens that count as the answer's: what it was made to begin with among them. */
  get length(): number {
    return this.#prompt.forced.tokens.length + this.tokens.length;
  }

  /** Whether a call is complete and nothing has begun behind it. */
  get hasCalled(): boolean {
    return this.#parser.calls > 0 && this.#parser.isBetweenItems;
  }

  /** Whether what comes now is reasoning. */
  get isReasoning(): boolean {
    return this.#parser.isReasoning;
  }

  /** Whether all that was pushed has been given out, and nothing but text is open. */
  get isSettled(): boolean {
    return this.#parser.isSettled;
  }

  /** This output when no more than `text` had been pushed. Its tokens are all of them still. */
  rewound(text: string): Output {
    const output = new Output(this.#prompt, this.#closing, this.#json !== null, this.#grammars);
    output.begin();
    output.push([], text);
    output.tokens.push(...this.tokens);
    output.reasoningTokens = this.reasoningTokens;
    return output;
  }

  /** Events of what the prompt put into the model's mouth. */
  begin(): EngineEvent[] {
    const { text } = this.#prompt.forced;
    return text === '' ? [] : this.#read(text);
  }

  /** Events of a token, or of several whose text came at once. */
  push(tokens: readonly Token[], text: string, logprobs: readonly TokenLogprob[] = []): EngineEvent[] {
    this.tokens.push(...tokens);
    if (this.#parser.isReasoning) this.reasoningTokens += tokens.length;
    this.#logprobs.push(...logprobs);
    return text === '' ? [] : this.#read(text);
  }

  /** What must change before the next token, since the last time. */
  takeHold(): Hold | null {
    const hold = this.#hold;
    this.#hold = null;
    return hold;
  }

  /** Takes back the last token, which had no text: the end of turn that some servers count among the answer. */
  unsay(): void {
    this.tokens.pop();
    this.#cuts = this.#cuts.filter((cut) => cut.length <= this.tokens.length);
  }

  finish(): EngineEvent[] {
    return this.#record(this.#parser.finish());
  }

  /** The event that ends the generation; `cached`: tokens that were not evaluated again. */
  end(reason: EndReason, cached: number): EngineEvent {
    const { length } = this.#prompt;
    const usage = {
      inputTokens: length,
      cachedTokens: Math.min(cached, length),
      outputTokens: this.length,
      reasoningTokens: this.reasoningTokens,
    };
    return { type: 'end', reason, usage };
  }

  /** To be called when a batch was made: an interruption may cut the output here, with no text pending outside. */
  mark(): void {
    if (!this.#parser.isSettled || this.length === 0) return;
    this.#cuts = [
      ...this.#cuts.slice(1 - keptCuts),
      { length: this.tokens.length, signature: this.#signature.snapshot() },
    ];
  }

  /**
   * The outputs that the items which came of this one may stand for, as tokens for the chain. A reader that interrupted it may
   * have seen less than all: then also what stood there some batches earlier.
   */
  toRaw(wasInterrupted: boolean): RawOutput[] {
    // The result would name another call than the model made.
    if (this.#parser.missesId) return [];
    const { opening, forced, encoding } = this.#prompt;
    const cuts = wasInterrupted ? this.#cuts : this.#cuts.slice(-1).filter((cut) => cut.length === this.tokens.length);
    return cuts.map((cut) => ({
      encoding,
      tokens: [...opening.tokens, ...forced.tokens, ...this.tokens.slice(0, cut.length), ...this.#closing.tokens],
      signature: cut.signature(),
    }));
  }

  #read(text: string): EngineEvent[] {
    return this.#record(this.#grammars.size === 0 ? this.#parser.push(text) : this.#readHeld(text));
  }

  /** Stops behind the brace that an input with a grammar begins with: the same token may have said more already. */
  #readHeld(text: string): EngineEvent[] {
    const events: EngineEvent[] = [];
    let length = 0;
    for (const piece of text.split(/(?<=\{)/)) {
      events.push(...this.#parser.push(piece));
      length += piece.length;
      const tool = this.#isHeld ? null : this.#parser.openInput;
      const grammar = tool === null ? undefined : this.#grammars.get(toChatName(tool.name, tool.namespace));
      if (grammar === undefined) continue;
      this.#isHeld = true;
      this.#hold = { grammar, text: text.slice(0, length) + inputOpening };
      return [...events, ...this.#parser.push(inputOpening)];
    }
    if (this.#isHeld && this.#parser.openInput === null) {
      this.#isHeld = false;
      this.#hold = { grammar: null, text: null };
    }
    return events;
  }

  #record(events: EngineEvent[]): EngineEvent[] {
    for (const event of events) {
      this.#signature.apply(event);
      if (this.#json !== null && event.type === 'text.delta')
        for (const character of event.delta) this.#json.push(character);
    }
    this.hasEnded = this.#json?.isClosed ?? false;
    return this.#logprobs.length === 0 ? events : this.#attachLogprobs(events);
  }

  /** Puts the log probabilities of the tokens so far on the text that they became; those of calls and reasoning are nobody's. */
  #attachLogprobs(events: EngineEvent[]): EngineEvent[] {
    const last = events.findLastIndex((event) => event.type === 'text.delta');
    if (last === -1 && events.length === 0) return events;
    const logprobs = this.#logprobs;
    this.#logprobs = [];
    return events.map((event, index) =>
      index === last && event.type === 'text.delta' ? { ...event, logprobs } : event,
    );
  }
}
