/**
 * A model's chat template, rendered in pieces where that is the same as rendering the whole (engines dossier 6).
 *
 * Most templates are concatenative: a history followed by new messages renders to the history's text followed by the new
 * messages'. Whether one is, is tried once when the model is loaded, token by token. Then a turn renders and encodes its delta.
 */
import type { Token } from 'node-llama-cpp';
import type { ChatMessage } from './messages.ts';
import { concatenationProbes, findTraits } from './probes.ts';
import type { Probe } from './probes.ts';
import { Renderer, plainVariables } from './rendering.ts';
import type { TemplateTraits, TemplateVariables } from './rendering.ts';
import { PromptEncoder } from './tokenizer.ts';
import type { Vocabulary } from './tokenizer.ts';

/** What templates write when a model brings none. */
const chatMl = `{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}`;

const stubUser: ChatMessage = { role: 'user', content: 'u' };
const stubAnswer: ChatMessage = { role: 'assistant', content: 'a' };
const stubCall: ChatMessage = {
  role: 'assistant',
  content: '',
  tool_calls: [{ id: 'call00000', type: 'function', function: { name: 'f', arguments: '{}' } }],
};
/** The shortest history that a message of this role may follow. */
const stubs: Readonly<Record<ChatMessage['role'], readonly ChatMessage[]>> = {
  user: [stubUser, stubAnswer],
  system: [stubUser, stubAnswer],
  assistant: [stubUser],
  tool: [stubUser, stubCall],
};

/** A text that the template writes, as it is and as tokens. */
export interface TemplateText {
  readonly text: string;
  readonly tokens: readonly Token[];
}

/** A template bound to its model's vocabulary. */
export class ChatTemplate {
  readonly traits: TemplateTraits;
  /** Whether pieces may be rendered on their own. Where not, only {@link full} is right. */
  readonly isConcatenative: boolean;
  readonly #renderer: Renderer;
  readonly #encoder: PromptEncoder;
  readonly #stubTexts = new Map<ChatMessage['role'], string>();

  /** `source`: the template that the model brings. Throws where it cannot be parsed or renders nothing at all. */
  constructor(source: string | null, vocabulary: Vocabulary) {
    this.#encoder = new PromptEncoder(vocabulary);
    this.#renderer = new Renderer(source ?? chatMl, vocabulary, this.#encoder);
    this.traits = findTraits(this.#renderer);
    this.isConcatenative =
      this.traits.neighbours && concatenationProbes(this.traits).every((probe) => this.#holds(probe));
  }

  /**
   * Tokens in front of a chain: the system prompt (empty: none), the tools, then `lead` messages.
   * Null where they cannot be told from what follows: then the prompt must be rendered in full.
   */
  preamble(system: string, lead: readonly ChatMessage[], variables: TemplateVariables): readonly Token[] | null {
    const stub = [stubUser];
    const text = this.#render([...toFront(system), ...stub], variables);
    const stubText = this.#delta(stub);
    if (!text.endsWith(stubText)) return null;
    return this.#encoder.encode(text.slice(0, text.length - stubText.length) + this.#delta(lead));
  }

  /** Tokens of messages that follow others. */
  delta(messages: readonly ChatMessage[]): readonly Token[] {
    return this.#encoder.encode(this.#delta(messages));
  }

  /** What stands in front of an answer. */
  generationPrompt(thinking: boolean): TemplateText {
    const variables = { ...plainVariables, thinking };
    const [before, after] = [this.#render([stubUser], variables), this.#render([stubUser], variables, true)];
    return this.written(suffix(before, after));
  }

  /** What stands behind an answer. */
  closing(): TemplateText {
    const text = this.#delta([stubAnswer]);
    return this.written(text.slice(text.lastIndexOf(stubAnswer.content) + stubAnswer.content.length));
  }

  /** A text of the engine's own, to stand where the template's stands. */
  written(text: string): TemplateText {
    return { text, tokens: text === '' ? [] : this.#encoder.encode(text) };
  }

  /** Tokens of a whole prompt: O(history). Throws what the template raises. */
  full(
    system: string,
    messages: readonly ChatMessage[],
    variables: TemplateVariables,
    forAnswer: boolean,
  ): readonly Token[] {
    return this.#encoder.encode(this.#render([...toFront(system), ...messages], variables, forAnswer));
  }

  #render(messages: readonly ChatMessage[], variables: TemplateVariables, forAnswer = false): string {
    return this.#renderer.render(messages, variables, this.traits, forAnswer);
  }

  #delta(messages: readonly ChatMessage[]): string {
    const [first] = messages;
    if (first === undefined) return '';
    const stub = stubs[first.role];
    let stubText = this.#stubTexts.get(first.role);
    if (stubText === undefined) this.#stubTexts.set(first.role, (stubText = this.#render(stub, plainVariables)));
    return suffix(stubText, this.#render([...stub, ...messages], plainVariables));
  }

  /** Whether a conversation's pieces give the tokens of the whole, after each of them, with and without the answer's beginning. */
  #holds(probe: Probe): boolean {
    try {
      const front = this.preamble(probe.system, [], probe.variables);
      if (front === null) return false;
      const opening = this.generationPrompt(probe.variables.thinking).tokens;
      let tokens = front;
      const messages: ChatMessage[] = [];
      return probe.pieces.every((piece) => {
        tokens = [...tokens, ...this.delta(piece)];
        messages.push(...piece);
        const whole = this.full(probe.system, messages, probe.variables, false);
        const asked = this.full(probe.system, messages, probe.variables, true);
        return isEqual(tokens, whole) && isEqual([...tokens, ...opening], asked);
      });
    } catch {
      return false;
    }
  }
}

function toFront(system: string): ChatMessage[] {
  return system === '' ? [] : [{ role: 'system', content: system }];
}

/** What `text` says behind `start`. Throws where it does not begin so: the template looks ahead. */
function suffix(start: string, text: string): string {
  if (!text.startsWith(start)) throw new Error('The chat template cannot be rendered in pieces.');
  return text.slice(start.length);
}

function isEqual(a: readonly Token[], b: readonly Token[]): boolean {
  return a.length === b.length && a.every((token, index) => token === b[index]);
}
