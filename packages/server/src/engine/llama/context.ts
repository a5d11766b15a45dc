/**
 * What the llama engine keeps of a chain: a linked list of immutable pieces, one per `extend`, each with the chat messages of its
 * own items and, once asked for, their token ids. A child shares everything of its parent; two children are a fork.
 *
 * The preamble (instructions, tools) is not part of it: it stands in front and comes with every request.
 */
import type { Item } from '@longwire/protocol';
import type { Token } from 'node-llama-cpp';
import { toChatMessages } from './messages.ts';
import type { ChatMessage } from './messages.ts';
import { toOutputSignature } from './signature.ts';

/** One generation as the model wrote it: its tokens stay in the chain, so that nothing is rendered back from items. */
export interface RawOutput {
  /** The generation prompt, the tokens of the model, and what the template writes behind an answer. */
  readonly tokens: readonly Token[];
  /** What the items of this output say: tells whether items given to `extend` are this output. */
  readonly signature: string;
}

/** Generations of one context worth remembering; more than one only when a response was made again from the same point. */
const rememberedOutputs = 4;

/** A point in a chain. Create with {@link extendContext}. */
export class LlamaContext {
  readonly parent: LlamaContext | null;
  readonly messages: readonly ChatMessage[];
  /** System and developer messages that the chain begins with: they belong into the system prompt. Shared by the whole chain. */
  readonly lead: readonly ChatMessage[];
  /** Tells chains without a common piece apart in one comparison. */
  readonly root: LlamaContext;
  /** Pieces from the root to here. */
  readonly depth: number;
  readonly #raw: RawOutput | null;
  #prepared: { readonly tokens: readonly Token[]; readonly end: number } | null = null;
  #outputs: RawOutput[] = [];
  #owners = 1;
  #isReleased = false;

  constructor(
    parent: LlamaContext | null,
    messages: readonly ChatMessage[],
    lead: readonly ChatMessage[],
    raw: RawOutput | null,
  ) {
    this.parent = parent;
    this.messages = messages;
    this.lead = lead;
    this.root = parent?.root ?? this;
    this.depth = parent === null ? 0 : parent.depth + 1;
    this.#raw = raw;
    if (parent !== null) parent.#owners += 1;
  }

  /** Own token ids; {@link prepare} comes first. */
  get tokens(): readonly Token[] {
    return this.#requirePrepared().tokens;
  }

  /** Tokens from the root up to and including this piece; {@link prepare} comes first. */
  get end(): number {
    return this.#requirePrepared().end;
  }

  /** True once nobody can extend it or any descendant of it. */
  get isAbandoned(): boolean {
    return this.#owners === 0;
  }

  /** The last message up to here, where there is one. */
  get lastMessage(): ChatMessage | null {
    for (const piece of piecesFrom(this)) {
      const last = piece.messages.at(-1);
      if (last !== undefined) return last;
    }
    return null;
  }

  /** Gives every piece that has none its token ids: each is encoded once, however many turns follow. */
  prepare(encode: (messages: readonly ChatMessage[]) => readonly Token[]): void {
    const missing: LlamaContext[] = [];
    for (const piece of piecesFrom(this)) {
      if (piece.#prepared !== null) break;
      missing.push(piece);
    }
    for (const piece of missing.toReversed()) {
      const tokens = piece.#raw?.tokens ?? (piece.messages.length === 0 ? [] : encode(piece.messages));
      piece.#prepared = { tokens, end: (piece.parent?.end ?? 0) + tokens.length };
    }
  }

  /** Keeps what the model wrote from here, for the `extend` that follows. */
  remember(output: RawOutput): void {
    this.#outputs = [...this.#outputs.slice(1 - rememberedOutputs), output];
  }

  /** The generation from here whose items these are. */
  recall(items: readonly Item[]): RawOutput | null {
    if (this.#outputs.length === 0) return null;
    const signature = toOutputSignature(items);
    return this.#outputs.findLast((output) => output.signature === signature) ?? null;
  }

  /** Gives up the caller's hold. Pieces that live on in children stay. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    for (const piece of piecesFrom(this)) {
      piece.#owners -= 1;
      if (piece.#owners > 0) return;
    }
  }

  #requirePrepared(): { readonly tokens: readonly Token[]; readonly end: number } {
    if (this.#prepared === null) throw new Error('A llama context was read before it was prepared.');
    return this.#prepared;
  }
}

/**
 * The context of `parent` plus `items`, in O(items). Throws a catalogue error for items that a text model cannot carry.
 * The output of a generation from `parent` is found again as the tokens that the model wrote.
 */
export function extendContext(parent: LlamaContext | null, items: readonly Item[]): LlamaContext {
  const messages = toChatMessages(items);
  if (parent === null) {
    const firstOther = messages.findIndex((message) => message.role !== 'system');
    const leadCount = firstOther === -1 ? messages.length : firstOther;
    return new LlamaContext(null, messages.slice(leadCount), messages.slice(0, leadCount), null);
  }
  const raw = parent.recall(items);
  if (raw !== null) return new LlamaContext(parent, messages, parent.lead, raw);

  // Templates put neighbouring tool results into one block, so a chain is never cut between two of them.
  if (messages[0]?.role === 'tool' && parent.lastMessage?.role === 'tool') {
    let joined = parent;
    while (joined.messages.length === 0 && joined.parent !== null) joined = joined.parent;
    return new LlamaContext(joined.parent, [...joined.messages, ...messages], parent.lead, null);
  }
  return new LlamaContext(parent, messages, parent.lead, null);
}

/** A context and its ancestors, newest first. */
export function* piecesFrom(context: LlamaContext | null): Generator<LlamaContext, void> {
  for (let piece = context; piece !== null; piece = piece.parent) yield piece;
}

/** All messages from the root on, without the lead: O(history), for templates that cannot be rendered in pieces. */
export function allMessages(context: LlamaContext | null): ChatMessage[] {
  return [...piecesFrom(context)].toReversed().flatMap((piece) => piece.messages);
}
