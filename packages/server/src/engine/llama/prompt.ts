/** A request -> the prompt of one generation: preamble and chain as tokens that are there already, and what opens the answer. */
import { errors } from '@longwire/protocol';
import type { ToolChoice } from '@longwire/protocol';
import type { GenerateRequest } from '../engine.ts';
import { allMessages } from './context.ts';
import type { LlamaContext } from './context.ts';
import type { ChatMessage } from './messages.ts';
import type { TemplateVariables } from './rendering.ts';
import { spanLength } from './span.ts';
import type { Span, TokenBlock } from './span.ts';
import type { ChatTemplate, TemplateText } from './template.ts';
import { toCallTargets, toChatName, toChatTools } from './tools.ts';
import type { CallTarget } from './tools.ts';

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
  /** The tools that the model may call, by the names in the prompt. */
  readonly targets: ReadonlyMap<string, CallTarget>;
}

/** Preambles kept: those of the chains that are alive at the same time, and some more. */
const cachedPreambles = 64;
const nothing: TemplateText = { text: '', tokens: [] };
const emptyBlock: TokenBlock = { tokens: [] };

/** Builds prompts for one template. */
export class PromptBuilder {
  readonly #template: ChatTemplate;
  readonly #contextTokens: number;
  readonly #preambles = new Map<string, TokenBlock | null>();
  readonly #openings = new Map<boolean, TemplateText>();

  /** `contextTokens`: the longest prompt, and one token of an answer. */
  constructor(template: ChatTemplate, contextTokens: number) {
    this.#template = template;
    this.#contextTokens = contextTokens;
  }

  /**
   * The prompt of a request; without an opening where nothing is to be answered (`forAnswer` false).
   * O(new items) where the template can be rendered in pieces. Throws `context_length_exceeded`, and `invalid_prompt` for
   * what the template refuses.
   */
  build(request: GenerateRequest<LlamaContext>, forAnswer: boolean): Prompt {
    const { settings } = request;
    const choice = toChoice(settings.tool_choice);
    const tools = toChatTools(request.preamble.tools);
    const isHidden = choice === 'none' && !this.#template.traits.toolChoice;
    const variables: TemplateVariables = {
      tools: isHidden ? [] : tools,
      toolChoice: choice === 'auto' || tools.length === 0 ? null : choice,
      thinking: settings.reasoning.effort !== 'none',
    };
    const opening = forAnswer ? this.#opening(variables.thinking) : nothing;
    const forced = forAnswer && tools.length > 0 ? this.#forced(choice) : nothing;
    const front = this.#span(request, variables, forAnswer, opening);
    const length = spanLength(front);
    if (length + forced.tokens.length >= this.#contextTokens)
      throw errors.contextLengthExceeded(this.#contextTokens, length);
    if (forAnswer && length === 0) throw errors.invalidPrompt('The prompt is empty.');
    const span = forced.tokens.length === 0 ? front : { ...front, tail: [...front.tail, ...forced.tokens] };
    const targets = choice === 'none' ? new Map<string, CallTarget>() : toCallTargets(request.preamble.tools);
    return { span, length, opening, forced, targets };
  }

  #span(
    request: GenerateRequest<LlamaContext>,
    variables: TemplateVariables,
    forAnswer: boolean,
    opening: TemplateText,
  ): Span {
    const { context, preamble } = request;
    const { system, lead } = toSystem(preamble.instructions, context.lead);
    const block = this.#preamble(system, lead, variables);
    if (block !== null) {
      context.prepare((messages) => this.#template.delta(messages));
      return { preamble: block, context, tail: opening.tokens, owner: context };
    }
    try {
      const messages = [...lead, ...allMessages(context)];
      const tail = this.#template.full(system, messages, variables, forAnswer);
      return { preamble: emptyBlock, context: null, tail, owner: context };
    } catch (cause) {
      throw errors.invalidPrompt(`The model's chat template refuses this conversation: ${String(cause)}`, cause);
    }
  }

  /** Tokens of a preamble, one object for equal ones; null where the prompt must be rendered in full. */
  #preamble(system: string, lead: readonly ChatMessage[], variables: TemplateVariables): TokenBlock | null {
    if (!this.#template.isConcatenative) return null;
    const key = JSON.stringify([system, lead, variables]);
    let block = this.#preambles.get(key);
    if (block === undefined) {
      const tokens = this.#template.preamble(system, lead, variables);
      block = tokens === null ? null : { tokens };
      const oldest = this.#preambles.keys().next();
      if (this.#preambles.size >= cachedPreambles && oldest.done !== true) this.#preambles.delete(oldest.value);
    } else {
      this.#preambles.delete(key);
    }
    this.#preambles.set(key, block);
    return block;
  }

  #opening(thinking: boolean): TemplateText {
    let opening = this.#openings.get(thinking);
    if (opening === undefined) this.#openings.set(thinking, (opening = this.#template.generationPrompt(thinking)));
    return opening;
  }

  /** Calling is forced by beginning the call: a grammar would keep a model from the tokens that it was trained on. */
  #forced(choice: string): TemplateText {
    if (choice === 'auto' || choice === 'none') return nothing;
    const start = '<tool_call>\n';
    return this.#template.written(choice === 'required' ? start : `${start}{"name": "${choice}`);
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

/** `auto`, `none`, `required`, or the name of the one tool that must be called. */
function toChoice(choice: ToolChoice): string {
  if (typeof choice === 'string') return choice;
  switch (choice.type) {
    case 'function':
    case 'custom':
      return toChatName(choice.name, null);
    case 'allowed_tools':
      return choice.mode;
    default:
      return 'auto';
  }
}
