/**
 * What engines that take token ids keep of a chain: a linked list of immutable pieces, one per `extend`, each with the chat messages of its
 * own items and, once asked for, their token ids. A child shares everything of its parent; two children are a fork.
 *
 * The preamble (instructions, tools) is not part of it: it stands in front and comes with every request.
 */
import type { Item } from '@longwire/protocol';
import type { Token } from '../chat-template/tokenizer.ts';
import { toChatMessages } from '../chat-template/messages.ts';
import type { ChatMessage } from '../chat-template/messages.ts';
import { toOutputSignature } from '../chat-template/signature.ts';

/** One generation as the model wrote it: its tokens stay in the chain, so that nothing is rendered back from items. */
export interface RawOutput {
  readonly encoding: Encoding;
  /** The generation prompt, the tokens of the model, and what the template writes behind an answer. */
  readonly tokens: readonly Token[];
  /** What the items of this output say: tells whether items given to `extend` are this output. */
  readonly signature: string;
}

/** A vocabulary: tokens of one mean nothing in another. */
export interface Encoding {
  readonly encode: Encode;
}

/** Messages to token ids, given the message that they follow; null where they cannot be told on their own. */
export type Encode = (messages: readonly ChatMessage[], before: ChatMessage | null) => Promise<readonly Token[] | null>;

interface Prepared {
  readonly encoding: Encoding;
  readonly tokens: readonly Token[];
  /** Tokens from the root up to and including this piece. */
  readonly end: number;
  /** Whether the tokens up to here are those of the whole. */
  readonly isExact: boolean;
}

/** Outputs of one context worth remembering: those of responses made again from the same point, and where each may be cut. */
const rememberedOutputs = 8;

/** A point in a chain. Create with {@link extendContext}. */
export class TokenContext {
  readonly parent: TokenContext | null;
  readonly messages: readonly ChatMessage[];
  /** System and developer messages that the chain begins with: they belong into the system prompt. Shared by the whole chain. */
  readonly lead: readonly ChatMessage[];
  /** Tells chains without a common piece apart in one comparison. */
  readonly root: TokenContext;
  /** Pieces from the root to here. */
  readonly depth: number;
  readonly #raw: RawOutput | null;
  #prepared: Prepared | null = null;
  #outputs: RawOutput[] = [];
  #owners = 1;
  #isReleased = false;

  constructor(
    parent: TokenContext | null,
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
    for (const piece of piecesFrom<TokenContext>(this)) {
      const last = piece.messages.at(-1);
      if (last !== undefined) return last;
    }
    return null;
  }

  /**
   * Gives every piece that has none its token ids: each is encoded once, however many turns follow. False where `encoding` could
   * not tell a piece's tokens on their own (null): from there on, the chain must be rendered in full.
   */
  async prepare(encoding: Encoding): Promise<boolean> {
    const missing: TokenContext[] = [];
    for (const piece of piecesFrom<TokenContext>(this)) {
      if (piece.#prepared?.encoding === encoding) break;
      missing.push(piece);
    }
    for (const piece of missing.toReversed()) {
      const before = piece.parent === null ? null : piece.parent.#prepared;
      const isExact = before?.isExact ?? true;
      const tokens = isExact ? await piece.#encode(encoding) : null;
      // Another turn of the same chain may have been faster: pools compare chains by these very arrays.
      if (piece.#prepared?.encoding === encoding) continue;
      const end = (before?.end ?? 0) + (tokens?.length ?? 0);
      piece.#prepared = { encoding, tokens: tokens ?? [], end, isExact: tokens !== null };
    }
    return this.#requirePrepared().isExact;
  }

  /** Keeps what the model wrote from here, for the `extend` that follows: whole, or at points where it may have been cut. */
  remember(outputs: readonly RawOutput[]): void {
    this.#outputs = [...this.#outputs, ...outputs].slice(-rememberedOutputs);
  }

  /** The generation from here whose items these are. */
  recall(items: readonly Item[]): RawOutput | null {
    if (this.#outputs.length === 0 || items.length === 0) return null;
    const signature = toOutputSignature(items);
    return this.#outputs.findLast((output) => output.signature === signature) ?? null;
  }

  /** Gives up the caller's hold. Pieces that live on in children stay. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    for (const piece of piecesFrom<TokenContext>(this)) {
      piece.#owners -= 1;
      if (piece.#owners > 0) return;
    }
  }

  async #encode(encoding: Encoding): Promise<readonly Token[] | null> {
    if (this.#raw?.encoding === encoding) return this.#raw.tokens;
    return this.messages.length === 0 ? [] : encoding.encode(this.messages, this.parent?.lastMessage ?? null);
  }

  #requirePrepared(): Prepared {
    if (this.#prepared === null) throw new Error('A context was read before it was prepared.');
    return this.#prepared;
  }
}

/**
 * The context of `parent` plus `items`, in O(items). Throws a catalogue error for items that a text model cannot carry.
 * The output of a generation from `parent` is found again as the tokens that the model wrote.
 */
export function extendContext(parent: TokenContext | null, items: readonly Item[]): TokenContext {
  const messages = toChatMessages(items);
  if (parent === null) {
    const firstOther = messages.findIndex((message) => message.role !== 'system');
    const leadCount = firstOther === -1 ? messages.length : firstOther;
    return new TokenContext(null, messages.slice(leadCount), messages.slice(0, leadCount), null);
  }
  const raw = parent.recall(items);
  if (raw !== null) return new TokenContext(parent, messages, parent.lead, raw);

  // Templates put neighbouring tool results into one block, so a chain is never cut between two of them.
  if (messages[0]?.role === 'tool' && parent.lastMessage?.role === 'tool') {
    let joined = parent;
    while (joined.messages.length === 0 && joined.parent !== null) joined = joined.parent;
    return new TokenContext(joined.parent, [...joined.messages, ...messages], parent.lead, null);
  }
  return new TokenContext(parent, messages, parent.lead, null);
}

/** A context, or a run, and its ancestors, newest first. */
export function* piecesFrom<Piece extends { readonly parent: Piece | null }>(
  newest: Piece | null,
): Generator<Piece, void> {
  for (let piece = newest; piece !== null; piece = piece.parent) yield piece;
}

/** All messages from the root on, without the lead: O(history), for templates that cannot be rendered in pieces. */
export function allMessages(context: TokenContext | null): ChatMessage[] {
  return [...piecesFrom(context)].toReversed().flatMap((piece) => piece.messages);
}
