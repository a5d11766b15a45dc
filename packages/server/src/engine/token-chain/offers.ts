/**
 * What the instructions, tools and settings of a request mean to a template. The turns of an agent repeat them word for word, and reading
 * 18 KB of tools twice over costs more than the turn: what is as it was is only compared.
 */
import type { ResponseSettings } from '@longwire/protocol';
import { selectTools, type ToolSelection } from '../chat/tool-choice.ts';
import type { TemplateVariables } from '../chat-template/rendering.ts';
import { toCallTargets, toChatTools, type CallTarget } from '../chat-template/tools.ts';
import type { Preamble } from '../engine.ts';

/** One way to ask. */
export interface Offer {
  /** The same for offers of the same preamble: they differ in what the model is made to do with it. */
  readonly preambleId: number;
  /** What the template is told besides the messages. */
  readonly variables: TemplateVariables;
  /** All tools that the model could call, by the names in the prompt. */
  readonly offered: ReadonlyMap<string, CallTarget>;
  readonly selection: ToolSelection;
}

/** All that an offer comes from. */
interface Asked {
  readonly instructions: string | null;
  readonly toolChoice: ResponseSettings['tool_choice'];
  readonly thinking: boolean;
  readonly tools: Preamble['tools'];
}

/** Offers of one template, newest first. */
export class Offers {
  readonly #tellsChoice: boolean;
  readonly #limit: number;
  #known: { readonly asked: Asked; readonly offer: Offer }[] = [];
  #made = 0;

  /** `tellsChoice`: the template tells the model the tool choice. `limit`: how many are kept. */
  constructor(tellsChoice: boolean, limit: number) {
    this.#tellsChoice = tellsChoice;
    this.#limit = limit;
  }

  /** The offer of a request, one object for equal ones. Throws what `selectTools` throws. */
  of({ instructions, tools }: Preamble, settings: ResponseSettings): Offer {
    const thinking = settings.reasoning.effort !== 'none';
    const asked: Asked = { instructions, toolChoice: settings.tool_choice, thinking, tools };
    const at = this.#known.findIndex((known) => isSameJson(known.asked, asked));
    const found = this.#known[at] ?? { asked, offer: this.#toOffer(asked) };
    if (at !== 0) {
      const others = this.#known.filter((known) => known !== found);
      this.#known = [found, ...others].slice(0, this.#limit);
    }
    return found.offer;
  }

  #toOffer({ instructions, tools, toolChoice, thinking }: Asked): Offer {
    const offered = toCallTargets(tools);
    const selection = selectTools(toolChoice, offered);
    const { names, mode, forced } = selection;
    const isShown = new Set(mode === 'none' && !this.#tellsChoice ? [] : names);
    const variables = {
      tools: toChatTools(tools).filter((tool) => isShown.has(tool.function.name)),
      toolChoice: mode === 'auto' || names.length === 0 ? null : (forced ?? mode),
      thinking,
    };
    const like = this.#known.find(
      ({ asked, offer }) => asked.instructions === instructions && isSameJson(offer.variables, variables),
    );
    return { preambleId: like?.offer.preambleId ?? this.#made++, variables, offered, selection };
  }
}

/** Whether two values are the same JSON, the order of keys included. */
function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((entry, index) => isSameJson(entry, b[index]));
  }
  const [left, right] = [a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, unknown>>];
  const [names, others] = [Object.keys(left), Object.keys(right)];
  if (names.length !== others.length) return false;
  return names.every((name, index) => name === others[index] && isSameJson(left[name], right[name]));
}
