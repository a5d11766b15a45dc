/**
 * A model's chat template, rendered in pieces where that is the same as rendering the whole (engines dossier 6).
 *
 * Most templates are concatenative: a history followed by new messages renders to the history's text followed by the new
 * messages'. Whether one is, is tried once when the model is loaded, token by token. Then a turn renders and encodes its delta.
 * Those that write old turns otherwise than the current one are written by rounds (rounds.ts).
 */
import type { Family } from './families/family.ts';
import { findFamily } from './families/find.ts';
import type { ChatMessage } from './messages.ts';
import { concatenationProbes, findTraits } from './probes.ts';
import type { Probe } from './probes.ts';
import { Renderer, plainVariables } from './rendering.ts';
import type { TemplateTraits, TemplateVariables } from './rendering.ts';
import { findRounds } from './rounds.ts';
import type { RoundFront, RoundTemplate } from './rounds.ts';
import { PromptEncoder, isSame, overlapOf } from './tokenizer.ts';
import type { Token, Vocabulary } from './tokenizer.ts';

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

/** Nothing. */
export const emptyText: TemplateText = { text: '', tokens: [] };

/** A template bound to its model's vocabulary. Create with {@link createChatTemplate}. */
export class ChatTemplate {
  readonly traits: TemplateTraits;
  /** How models of this template write calls and reasoning. */
  readonly family: Family;
  readonly #renderer: Renderer;
  readonly #encoder: PromptEncoder;
  readonly #stubTexts = new Map<ChatMessage['role'], string>();
  /** Messages behind their stubs: the next turn's overlap begins with the last one of this. */
  readonly #fronts = new WeakMap<ChatMessage, string>();
  #isConcatenative = false;
  #rounds: RoundTemplate | null = null;

  constructor(source: string | null, vocabulary: Vocabulary) {
    this.#encoder = new PromptEncoder(vocabulary);
    this.#renderer = new Renderer(source ?? chatMl, vocabulary, this.#encoder);
    this.family = findFamily(source ?? chatMl);
    this.traits = findTraits(this.#renderer, this.family);
  }

  /** Whether pieces may be rendered on their own. Where not, {@link rounds} may, and else only {@link full} is right. */
  get isConcatenative(): boolean {
    return this.#isConcatenative;
  }

  /** How the template writes old turns, where that is not how it writes the current one; null where that cannot be told. */
  get rounds(): RoundTemplate | null {
    return this.#rounds;
  }

  /** Finds out whether it may be rendered in pieces, or by rounds. */
  async probe(): Promise<void> {
    if (this.traits.neighbours) {
      const outcomes = await Promise.all(concatenationProbes(this.traits).map((probe) => this.#holds(probe)));
      this.#isConcatenative = outcomes.every(Boolean);
    }
    if (!this.#isConcatenative) this.#rounds = findRounds(this.#renderer, this.traits);
  }

  /** To be awaited before these are rendered by {@link rounds}. */
  async learn(messages: readonly ChatMessage[], { system, variables }: RoundFront): Promise<void> {
    await this.#encoder.learn(() => [system, JSON.stringify(variables.tools), ...messages.map(toContents)]);
  }

  /**
   * Tokens in front of a chain: the system prompt (empty: none), the tools, then `lead` messages.
   * Null where they cannot be told from what follows: then the prompt must be rendered in full.
   */
  async preamble(
    system: string,
    lead: readonly ChatMessage[],
    variables: TemplateVariables,
  ): Promise<readonly Token[] | null> {
    await this.#encoder.learn(() => [system, JSON.stringify(variables.tools), ...lead.map(toContents)]);
    const text = this.#rounds
      ? this.#rounds.front({ system, variables }, lead)
      : this.#preamble(system, lead, variables);
    return text === null ? null : this.#encoder.encode(text);
  }

  /**
   * Tokens of messages that follow others, of which `before` is the last. Null where the template looks further than the
   * probes could see, so that these messages render otherwise behind that one: then the prompt must be rendered in full.
   */
  async delta(messages: readonly ChatMessage[], before: ChatMessage | null): Promise<readonly Token[] | null> {
    await this.#encoder.learn(() => [...messages, ...(before === null ? [] : [before])].map(toContents));
    const text = this.#delta(messages);
    const overlap = before === null ? '' : this.#overlap(before, messages, text);
    if (overlap === null) return null;
    return this.#encoder.encodeBehind(overlap, text);
  }

  /** What stands in front of an answer. */
  async generationPrompt(thinking: boolean): Promise<TemplateText> {
    return this.written(this.#opening(thinking));
  }

  /** What stands behind an answer. */
  async closing(): Promise<TemplateText> {
    const text = this.#delta([stubAnswer]);
    return this.written(text.slice(text.lastIndexOf(stubAnswer.content) + stubAnswer.content.length));
  }

  /** A text of the engine's own, to stand where the template's stands. */
  async written(text: string): Promise<TemplateText> {
    return { text, tokens: await this.#encoder.encode(text) };
  }

  /** The same behind another text, of which `before` is the end (`overlapOf`); null where the two share a token. */
  async writtenBehind(before: string, text: string): Promise<TemplateText | null> {
    const tokens = await this.#encoder.encodeBehind(before, text);
    return tokens && { text, tokens };
  }

  /** Tokens of a whole prompt: O(history). Throws what the template raises. */
  async full(
    system: string,
    messages: readonly ChatMessage[],
    variables: TemplateVariables,
    forAnswer: boolean,
  ): Promise<readonly Token[]> {
    await this.#encoder.learn(() => [system, JSON.stringify(variables.tools), ...messages.map(toContents)]);
    return this.#encoder.encode(this.#render([...toFront(system), ...messages], variables, forAnswer));
  }

  #preamble(system: string, lead: readonly ChatMessage[], variables: TemplateVariables): string | null {
    const stub = [stubUser];
    const text = this.#render([...toFront(system), ...stub], variables);
    const stubText = this.#delta(stub);
    return text.endsWith(stubText) ? text.slice(0, text.length - stubText.length) + this.#delta(lead) : null;
  }

  #opening(thinking: boolean): string {
    const variables = { ...plainVariables, thinking };
    const [before, after] = [this.#render([stubUser], variables), this.#render([stubUser], variables, true)];
    return suffix(before, after);
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
    const text = this.#render([...stub, ...messages], plainVariables);
    if (messages.length === 1) this.#fronts.set(first, text);
    return suffix(stubText, text);
  }

  /** The end of what `before` renders to; null where the messages behind it do not render to `text`. */
  #overlap(before: ChatMessage, messages: readonly ChatMessage[], text: string): string | null {
    try {
      const front = [...stubs[before.role], before];
      const frontText = this.#fronts.get(before) ?? this.#render(front, plainVariables);
      if (this.#render([...front, ...messages], plainVariables) !== frontText + text) return null;
      return overlapOf(frontText);
    } catch {
      return null;
    }
  }

  /** Whether a conversation's pieces give the tokens of the whole, after each of them, with and without the answer's beginning. */
  async #holds({ system, variables, pieces }: Probe): Promise<boolean> {
    try {
      const front = this.#preamble(system, [], variables);
      if (front === null) return false;
      const opening = this.#opening(variables.thinking);
      const texts: string[] = [front];
      const messages: ChatMessage[] = [];
      for (const piece of pieces) {
        texts.push(this.#delta(piece));
        const before = messages.at(-1);
        messages.push(...piece);
        const written = texts.join('');
        const whole = this.#render([...toFront(system), ...messages], variables);
        const asked = this.#render([...toFront(system), ...messages], variables, true);
        if (whole !== written || asked !== written + opening) return false;
        if (before !== undefined && this.#overlap(before, piece, texts.at(-1) ?? '') === null) return false;
        if (!(await this.#encodesAlike([...texts, opening]))) return false;
      }
      return true;
    } catch {
      return false;
    }
  }

  /** Whether texts in a row have the tokens of the whole. No merge crosses a control token, so that most need not be encoded. */
  async #encodesAlike([first = '', ...others]: readonly string[]): Promise<boolean> {
    if (others.every((text) => text === '' || this.#encoder.startsWithControl(text))) return true;
    const pieces = await Promise.all([first, ...others].map((text) => this.#encoder.encode(text)));
    return isSame(pieces.flat(), await this.#encoder.encode([first, ...others].join('')));
  }
}

/** `source`: the template that the model brings. Rejects where it cannot be parsed or renders nothing at all. */
export async function createChatTemplate(source: string | null, vocabulary: Vocabulary): Promise<ChatTemplate> {
  const template = new ChatTemplate(source, vocabulary);
  await template.probe();
  return template;
}

function toFront(system: string): ChatMessage[] {
  return system === '' ? [] : [{ role: 'system', content: system }];
}

/** All that clients wrote into a message. */
function toContents(message: ChatMessage): string {
  const calls = message.tool_calls?.map((call) => `${call.function.name} ${call.function.arguments}`) ?? [];
  return [message.content, message.reasoning_content ?? '', ...calls].join(' ');
}

/** What `text` says behind `start`. Throws where it does not begin so: the template looks ahead. */
function suffix(start: string, text: string): string {
  if (!text.startsWith(start)) throw new Error('The chat template cannot be rendered in pieces.');
  return text.slice(start.length);
}
