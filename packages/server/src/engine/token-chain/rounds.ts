/**
 * The tokens of chains whose template is written by rounds (chat-template/rounds.ts). Every text is encoded once and kept with the
 * context that it ends at; where a round ends, its tokens are put in place of those that it had while it ran.
 */
import type { ChatMessage } from '../chat-template/messages.ts';
import type { RoundFront, RoundPoint, RoundTemplate } from '../chat-template/rounds.ts';
import { overlapOf } from '../chat-template/tokenizer.ts';
import type { ChatTemplate, TemplateText } from '../chat-template/template.ts';
import { piecesFrom, type TokenContext } from './context.ts';
import { appendRun, type TokenRun } from './run.ts';

/** A chain in front of an answer. */
export interface RoundChain {
  /** Everything behind the preamble; null for nothing. */
  readonly run: TokenRun | null;
  readonly opening: TemplateText;
}

/** What is written up to a place, and the end of its text. */
interface Written {
  readonly run: TokenRun | null;
  readonly overlap: string;
}

/** A chain up to a context. */
interface State {
  /** Up to the current round. */
  readonly ended: Written;
  /** Up to the newest unit, and with it. */
  readonly before: Written;
  readonly written: Written;
  readonly opening: TemplateText | null;
  readonly point: RoundPoint;
}

/** By context; null where the chain can only be rendered in full, from there on. */
type States = WeakMap<TokenContext, State | null>;

/** Fronts whose chains are kept apart, where they are written into the rounds; the one used longest ago goes first. */
const keptFronts = 64;
const nothing: Written = { run: null, overlap: '' };

/** Writes the chains of one template. */
export class RoundChains {
  readonly #template: ChatTemplate;
  readonly #rounds: RoundTemplate;
  readonly #states = new Map<string, States>();

  constructor(template: ChatTemplate, rounds: RoundTemplate) {
    this.#template = template;
    this.#rounds = rounds;
  }

  /**
   * The chain of a context that a question or a result ends: O(what is new since the last call on the chain), and O(round) where one
   * ends. Null where only a whole rendering is right.
   */
  async write(context: TokenContext, front: RoundFront): Promise<RoundChain | null> {
    const states = this.#statesOf(front);
    const missing: TokenContext[] = [];
    let known: State | null | undefined;
    for (const piece of piecesFrom(context)) {
      known = states.get(piece);
      if (known !== undefined) break;
      missing.push(piece);
    }
    if (known === null) return null;
    const messages = missing.toReversed().flatMap((piece) => piece.messages);
    // How an answer reads is only told by what follows it.
    if (messages.at(-1)?.role === 'assistant') return null;
    const state = messages.length === 0 ? (known ?? null) : await this.#extend(known ?? null, messages, front);
    if (messages.length > 0 || known) states.set(context, state);
    return state?.opening ? { run: state.written.run, opening: state.opening } : null;
  }

  async #extend(state: State | null, messages: readonly ChatMessage[], front: RoundFront): Promise<State | null> {
    await this.#template.learn(messages, front);
    const step = this.#rounds.step(state?.point ?? null, messages, front);
    if (step === null) return null;
    let ended: Written | null = state?.ended ?? nothing;
    for (const text of step.ended) ended = ended && (await this.#append(ended, text));
    if (ended === null) return null;
    const current = step.ended.length > 0 ? null : state;
    const before = current === null ? ended : step.isRewritten ? current.before : current.written;
    const written = await this.#append(before, step.text);
    if (written === null) return null;
    const opening = step.opening === null ? null : await this.#template.writtenBehind(written.overlap, step.opening);
    return { ended, before, written, opening, point: step.point };
  }

  /** Null where a token would reach over the seam. */
  async #append({ run, overlap }: Written, text: string): Promise<Written | null> {
    const added = await this.#template.writtenBehind(overlap, text);
    return added && { run: appendRun(run, added.tokens), overlap: overlapOf(overlap + text) };
  }

  #statesOf(front: RoundFront): States {
    const key = this.#rounds.rule.isBound ? JSON.stringify(front) : String(front.variables.thinking);
    const states: States = this.#states.get(key) ?? new WeakMap();
    this.#states.delete(key);
    this.#states.set(key, states);
    const [oldest] = this.#states.keys();
    if (this.#states.size > keptFronts && oldest !== undefined) this.#states.delete(oldest);
    return states;
  }
}
