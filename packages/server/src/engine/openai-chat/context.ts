/** What this engine keeps of a chain: its chat messages as JSON bytes, written once and shared by everything that follows. */
import { appendElements, elementBytes, emptyList, type EncodedList } from '../http/encoded-list.ts';
import type { ChatMessage } from '../chat/wire.ts';
import { sealTurn, type OpenTurn } from '../chat/open-turn.ts';

/** The messages of a chain up to a point. */
export interface ChatContext extends EncodedList {
  /** A last turn that later items may still join: kept apart until something closes it. */
  readonly open: OpenTurn | null;
  /** The same for all contexts of a tree of chains: requests that share a prefix share it. */
  readonly root: string;
}

/** The context of a chain without messages. `root` names the tree that grows from it. */
export function createContext(root: string): ChatContext {
  return { ...emptyList, open: null, root };
}

/** `parent` with `messages` behind it and `open` as its unfinished last turn: O(new messages). */
export function extendContext(
  parent: ChatContext,
  messages: readonly ChatMessage[],
  open: OpenTurn | null,
): ChatContext {
  return { ...parent, ...appendElements(parent, messages), open };
}

/** The encoded messages, in order, commas included: views of the pages, nothing copied, only an open last turn encoded. */
export function messageBytes(context: ChatContext): Buffer[] {
  const views = elementBytes(context);
  if (context.open) {
    const last = sealTurn(context.open)
      .map((message) => JSON.stringify(message))
      .join(',');
    if (last !== '') views.push(Buffer.from(context.count > 0 ? `,${last}` : last));
  }
  return views;
}
