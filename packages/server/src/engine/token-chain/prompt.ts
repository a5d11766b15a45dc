/** A request -> the prompt of one generation: preamble and chain as tokens that are there already, and what opens the answer. */
import { errors } from '@longwire/protocol';
import type { ResponseSettings } from '@longwire/protocol';
import type { GenerateRequest } from '../engine.ts';
import type { Family } from '../chat-template/families/family.ts';
import { allMessages } from './context.ts';
import { Offers, type Offer } from './offers.ts';
import { RoundChains } from './rounds.ts';
import type { RoundChain } from './rounds.ts';
import type { RoundFront } from '../chat-template/rounds.ts';
import type { Encoding, TokenContext } from './context.ts';
import type { ChatMessage } from '../chat-template/messages.ts';
import { spanLength } from './span.ts';
import type { Span, TokenBlock } from './span.ts';
import { emptyText } from '../chat-template/template.ts';
import type { ChatTemplate, TemplateText } from '../chat-template/template.ts';
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

/** The system prompt, and messages of the chain that follow it. */
interface Front {
  readonly system: string;
  readonly lead: readonly ChatMessage[];
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
  readonly #offers: Offers;
  readonly #preambles = new Map<string, Promise<TokenBlock | null>>();
  /** Of messages that chains begin with: what tells them apart. */
  readonly #leads = new WeakMap<readonly ChatMessage[], string>();
  readonly #openings = new Map<boolean, TemplateText>();
  readonly #rounds: RoundChains | null;
  /** Prompts that had to be rendered in full, in O(history). */
  renderedInFull = 0;

  /** `contextTokens`: the longest prompt, and one token of an answer. */
  constructor(template: ChatTemplate, contextTokens: number) {
    this.encoding = { encode: (messages, before) => template.delta(messages, before) };
    this.#template = template;
    this.#contextTokens = contextTokens;
    this.#offers = new Offers(template.traits.toolChoice, cachedPreambles);
    this.#rounds = template.rounds && new RoundChains(template, template.rounds);
  }

  /**
   * The prompt of a request; without an opening where nothing is to be answered (`forAnswer` false).
   * O(new items) where the template can be rendered in pieces. Throws `context_length_exceeded`, and `invalid_prompt` for
   * what the template refuses.
   */
  async build(request: GenerateRequest<TokenContext>, forAnswer: boolean): Promise<Prompt> {
    const offer = this.#offers.of(request.preamble, request.settings);
    const { names, mode } = offer.selection;
    const { forced, heldTo } = forAnswer ? await this.#forced(offer, request.settings) : nothingForced;
    const { span: front, opening } = await this.#span(request, offer, forAnswer);
    const length = spanLength(front);
    if (length + forced.tokens.length >= this.#contextTokens)
      throw errors.contextLengthExceeded(this.#contextTokens, length);
    if (forAnswer && length === 0) throw errors.invalidPrompt('The prompt is empty.');
    const span = forced.tokens.length === 0 ? front : { ...front, tail: [...front.tail, ...forced.tokens] };
    const callable = mode === 'none' ? [] : [...offer.offered].filter(([name]) => names.includes(name));
    const targets: ReadonlyMap<string, CallTarget> = new Map(callable);
    return { span, length, opening, forced, heldTo, targets, family: this.#template.family, encoding: this.encoding };
  }

  /** The prompt in front of what is forced, and what opens the answer in it. */
  async #span(
    request: GenerateRequest<TokenContext>,
    offer: Offer,
    forAnswer: boolean,
  ): Promise<{ span: Span; opening: TemplateText }> {
    const { context, preamble, project } = request;
    const { variables } = offer;
    const { system, lead } = toFront(preamble.instructions, context.lead);
    const block = await this.#preamble(offer, context.lead, { system, lead });
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
    { preambleId, variables }: Offer,
    chainLead: TokenContext['lead'],
    front: Front,
  ): Promise<TokenBlock | null> {
    if (!this.#template.isConcatenative && this.#rounds === null) return null;
    let leadKey = this.#leads.get(chainLead);
    if (leadKey === undefined) this.#leads.set(chainLead, (leadKey = JSON.stringify(chainLead)));
    const key = `${preambleId} ${leadKey}`;
    const block = this.#preambles.get(key) ?? this.#encodePreamble(front, variables);
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

  async #encodePreamble({ system, lead }: Front, variables: Offer['variables']): Promise<TokenBlock | null> {
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
    { offered, selection: { names, mode, forced } }: Offer,
    settings: ResponseSettings,
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
function toFront(instructions: string | null, lead: readonly ChatMessage[]): Front {
  if (instructions) return { system: instructions, lead };
  return { system: lead.map((message) => message.content).join('\n\n'), lead: [] };
}
