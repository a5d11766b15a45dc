/** What this engine keeps of a chain: its chat messages as JSON bytes, written once and shared by everything that follows. */
import type { Item } from '@longwire/protocol';
import { appendElements, elementBytes, elementBytesSince, emptyList, type EncodedList } from '../http/encoded-list.ts';
import { toChatMessages, type Dialect } from '../chat/messages.ts';
import { mayJoin, reopenTurn, sealTurn, type OpenTurn } from '../chat/open-turn.ts';
import type { ChatMessage } from '../chat/wire.ts';

/** The messages of a chain up to a point. */
export interface ChatContext {
  /** All of them, as they stand now. */
  readonly messages: EncodedList;
  /** Set where later items may still join the last turn. */
  readonly last: LastTurn | null;
  /** The same for all contexts of a tree of chains: requests that share a prefix share it. */
  readonly root: string;
}

/** A turn that is written already, and read back where something joins it: then both are written behind `before`. */
interface LastTurn {
  readonly kind: OpenTurn['kind'];
  /** The messages in front of it. */
  readonly before: EncodedList;
  /** The turn itself where no message of it can be written yet: nothing but thoughts so far. */
  readonly unwritten: OpenTurn | null;
}

/** The context of a chain without messages. `root` names the tree that grows from it. */
export function createContext(root: string): ChatContext {
  return { messages: emptyList, last: null, root };
}

/** `parent` with `items` behind it: O(items). Throws as `toChatMessages` does. */
export function extendContext(parent: ChatContext, items: readonly Item[], dialect: Dialect): ChatContext {
  const last = parent.last && mayJoin(parent.last.kind, items) ? parent.last : null;
  const { messages, open } = toChatMessages(last && openTurnOf(parent, last, dialect), items, dialect);
  const before = appendElements(last?.before ?? parent.messages, messages);
  const { root } = parent;
  if (!open) return { messages: before, last: null, root };
  const sealed = sealTurn(open);
  const unwritten = sealed.length === 0 ? open : null;
  return { messages: appendElements(before, sealed), last: { kind: open.kind, before, unwritten }, root };
}

/** The encoded messages, in order, commas included: views of the pages, nothing copied. */
export function messageBytes(context: ChatContext): Buffer[] {
  return elementBytes(context.messages);
}

/** The bytes of the messages that `since`, an ancestor, has not; null for all. */
export function messageBytesSince(context: ChatContext, since: ChatContext | null): Buffer[] {
  return elementBytesSince(context.messages, since?.messages ?? emptyList);
}

function openTurnOf({ messages }: ChatContext, { before, unwritten }: LastTurn, dialect: Dialect): OpenTurn {
  if (unwritten) return unwritten;
  const json = Buffer.concat(elementBytesSince(messages, before)).toString();
  return reopenTurn(JSON.parse(json) as ChatMessage, dialect.reasoningField);
}
