/** A request -> the prompt of one generation: preamble and chain as tokens that are there already, and what opens the answer. */
import { errors } from '@longwire/protocol';
import type { ResponseSettings } from '@longwire/protocol';
import { selectTools, type ToolSelection } from '../chat/tool-choice.ts';
import type { GenerateRequest } from '../engine.ts';
import type { Family } from '../chat-template/families/family.ts';
import { allMessages } from './context.ts';
import { RoundChains } from './rounds.ts';
import type { RoundChain } from './rounds.ts';
import type { RoundFront } from '../chat-template/rounds.ts';
import type { Encoding, TokenContext } from './context.ts';
import type { ChatMessage } from '../chat-template/messages.ts';
import type { TemplateVariables } from '../chat-template/rendering.ts';
import { spanLength } from './span.ts';
import type { Span, TokenBlock } from './span.ts';
import { emptyText } from '../chat-template/template.ts';
import type { ChatTemplate, TemplateText } from '../chat-template/template.ts';
import { toCallTargets, toChatTools } from '../chat-template/tools.ts';
import type { CallTarget } from '../chat-template/tools.ts';

/** What a generation evaluates, and how its output is read. */
export interface Prompt {
  /** All that stands in front of the model's first token. */
  readonly span: Span;
  /** Tokens of the prompt, without what is {@link forced}. */
  readonly length: number;
  /** What the template writes in front of an answer. */
  readonly opening: TemplateText;
  /** The beginning of the answer, where the tool choice leaves no choice. Part of the output. */
  readonly forced: TemplateText;
  /** What the arguments of the call that is forced are held to, which follow at once; null: nothing, or no call is forced. */
  readonly heldTo: Readonly<Record<string, unknown>> | null;
  /** The tools that the model may call, by the names in the prompt. */
  readonly targets: ReadonlyMap<string, CallTarget>;
  /** How the model writes calls and reasoning. */
  readonly family: Family;
  /** Whose tokens these are. */
  readonly encoding: Encoding;
}

/** Preambles kept: those of the chains that are alive at the same time, and some more. */
const cachedPreambles = 64;
const emptyBlock: TokenBlock = { tokens: [] };
const nothingForced: Pick<Prompt, 'forced' | 'heldTo'> = { forced: emptyText, heldTo: null };

/** Builds prompts for one template. */
export class PromptBuilder {
  /** Whose tokens the prompts are made of. */
  readonly encoding: Encoding;
  readonly #template: ChatTemplate;
  readonly #contextTokens: number;
  readonly #preambles = new Map<string, Promise<TokenBlock | null>>();
  readonly #openings = new Map<boolean, TemplateText>();
  readonly #rounds: RoundChains | null;
  /** Prompts that had to be rendered in full, in O(history). */
  renderedInFull = 0;

  /** `contextTokens`: the longest prompt, and one token of an answer. */
  constructor(template: ChatTemplate, contextTokens: number) {
    this.encoding = { encode: (messages, before) => template.delta(messages, before) };
    this.#template = template;
    this.#contextTokens = contextTokens;
    this.#rounds = template.rounds && new RoundChains(template, template.rounds);
  }

  /**
   * The prompt of a request; without an opening where nothing is to be answered (`forAnswer` false).
   * O(new items) where the template can be rendered in pieces. Throws `context_length_exceeded`, and `invalid_prompt` for
   * what the template refuses.
   */
  async build(request: GenerateRequest<TokenContext>, forAnswer: boolean): Promise<Prompt> {
    const { settings } = request;
    const offered = toCallTargets(request.preamble.tools);
    const selection = selectTools(settings.tool_choice, offered);
    const { names, mode } = selection;
    const isHidden = mode === 'none' && !this.#template.traits.toolChoice;
    const isShown = new Set(isHidden ? [] : names);
    const variables: TemplateVariables = {
      tools: toChatTools(request.preamble.tools).filter((tool) => isShown.has(tool.function.name)),
      toolChoice: mode === 'auto' || names.length === 0 ? null : (selection.forced ?? mode),
      thinking: settings.reasoning.effort !== 'none',
    };
    const { forced, heldTo } = forAnswer ? await this.#forced(selection, settings, offered) : nothingForced;
    const { span: front, opening } = await this.#span(request, variables, forAnswer);
    const length = spanLength(front);
    if (length + forced.tokens.length >= this.#contextTokens)
      throw errors.contextLengthExceeded(this.#contextTokens, length);
    if (forAnswer && length === 0) throw errors.invalidPrompt('The prompt is empty.');
    const span = forced.tokens.length === 0 ? front : { ...front, tail: [...front.tail, ...forced.tokens] };
    const callable = mode === 'none' ? [] : [...offered].filter(([name]) => names.includes(name));
    const targets: ReadonlyMap<string, CallTarget> = new Map(callable);
    return { span, length, opening, forced, heldTo, targets, family: this.#template.family, encoding: this.encoding };
  }

  /** The prompt in front of what is forced, and what opens the answer in it. */
  async #span(
    request: GenerateRequest<TokenContext>,
    variables: TemplateVariables,
    forAnswer: boolean,
  ): Promise<{ span: Span; opening: TemplateText }> {
    const { context, preamble, project } = request;
    const { system, lead } = toSystem(preamble.instructions, context.lead);
    const block = await this.#preamble(system, lead, variables);
    const chain = block && (await this.#chain(context, { system, variables }));
    if (block && chain) {
      const opening = forAnswer ? chain.opening : emptyText;
      return { span: { preamble: block, run: chain.run, tail: opening.tokens, owner: context, project }, opening };
    }
    this.renderedInFull += 1;
    try {
      const opening = forAnswer ? await this.#opening(variables.thinking) : emptyText;
      const messages = [...lead, ...allMessages(context)];
      const tail = await this.#template.full(system, messages, variables, forAnswer);
      return { span: { preamble: emptyBlock, run: null, tail, owner: context, project }, opening };
    } catch (cause) {
      throw errors.invalidPrompt(`The model's chat template refuses this conversation: ${String(cause)}`, cause);
    }
  }

  /** The tokens of the chain; null where the prompt must be rendered in full. */
  async #chain(context: TokenContext, front: RoundFront): Promise<RoundChain | null> {
    if (this.#rounds) return this.#rounds.write(context, front);
    if (!(await context.prepare(this.encoding))) return null;
    return { run: context, opening: await this.#opening(front.variables.thinking) };
  }

  /** Tokens of a preamble, one object for equal ones; null where the prompt must be rendered in full. */
  async #preamble(
    system: string,
    lead: readonly ChatMessage[],
    variables: TemplateVariables,
  ): Promise<TokenBlock | null> {
    if (!this.#template.isConcatenative && this.#rounds === null) return null;
    const key = JSON.stringify([system, lead, variables]);
    const block = this.#preambles.get(key) ?? this.#encodePreamble(system, lead, variables);
    // The newest stands last: what falls out is what was not asked for longest.
    this.#preambles.delete(key);
    this.#preambles.set(key, block);
    const oldest = this.#preambles.keys().next();
    if (this.#preambles.size > cachedPreambles && oldest.done !== true) this.#preambles.delete(oldest.value);
    try {
      return await block;
    } catch (error) {
      this.#preambles.delete(key);
      throw error;
    }
  }

  async #encodePreamble(
    system: string,
    lead: readonly ChatMessage[],
    variables: TemplateVariables,
  ): Promise<TokenBlock | null> {
    const tokens = await this.#template.preamble(system, lead, variables);
    return tokens === null ? null : { tokens };
  }

  async #opening(thinking: boolean): Promise<TemplateText> {
    let opening = this.#openings.get(thinking);
    if (opening === undefined) {
      opening = await this.#template.generationPrompt(thinking);
      this.#openings.set(thinking, opening);
    }
    return opening;
  }

  /**
   * What the model is made to begin with. Calling is forced by beginning the call: a grammar would keep a model from the tokens
   * that it was trained on. A format is held from the first character of the answer on, wherever a family lets that begin.
   */
  async #forced(
    { names, mode, forced }: ToolSelection,
    settings: ResponseSettings,
    offered: ReadonlyMap<string, CallTarget>,
  ): Promise<Pick<Prompt, 'forced' | 'heldTo'>> {
    const { family } = this.#template;
    if (mode === 'required') {
      const name = forced ?? (names.length === 1 ? (names[0] ?? null) : null);
      const { isStrict = false, parameters } = offered.get(name ?? '') ?? {};
      const heldTo = isStrict && family.argumentsOpening !== null ? (parameters ?? null) : null;
      const rest = heldTo === null ? '' : family.argumentsOpening;
      return { forced: await this.#template.written(`${family.forcedCall(name)}${rest}`), heldTo };
    }
    const isHeld = settings.text.format.type !== 'text' && (mode === 'none' || names.length === 0);
    return { forced: await this.#template.written(isHeld ? family.finalStart : ''), heldTo: null };
  }
}

/**
 * The system prompt. Messages that a chain begins with are part of it where there are no instructions; with instructions they
 * follow it, so that instructions and tools alone are a prefix of every chain.
 */
function toSystem(
  instructions: string | null,
  lead: readonly ChatMessage[],
): { system: string; lead: readonly ChatMessage[] } {
  if (instructions) return { system: instructions, lead };
  return { system: lead.map((message) => message.content).join('\n\n'), lead: [] };
}
