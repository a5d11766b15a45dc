/**
 * What this engine keeps of a chain: its chat messages as JSON bytes, written once and shared by everything that follows.
 *
 * Bytes live in pages that never move and are only ever appended to. A context is a page and how much of it is ours:
 * the context at the tip of a page extends it in place, any other (a fork) opens a page of its own behind the same bytes.
 * So nothing is copied or encoded twice, and a request body is the list of page views, O(log n) of them at first and one
 * per 64 KiB later.
 */
import type { ChatMessage } from './wire.ts';
import { sealTurn, type OpenTurn } from './open-turn.ts';

const minPageBytes = 4 * 1024;
const maxPageBytes = 64 * 1024;

interface Page {
  readonly bytes: Buffer;
  /** How much is written: the only thing here that changes. Bytes before it never do. */
  used: number;
  /** What comes before this page, and how much of it belongs to this chain. */
  readonly previous: { readonly page: Page; readonly end: number } | null;
}

/** The messages of a chain up to a point. Immutable to everyone outside this file. */
export interface ChatContext {
  readonly page: Page | null;
  /** Where this chain ends in its last page. */
  readonly end: number;
  /** Bytes of all messages, the commas between them included. */
  readonly totalBytes: number;
  /** Messages written to pages. */
  readonly count: number;
  /** A last turn that later items may still join: kept apart until something closes it. */
  readonly open: OpenTurn | null;
  /** The same for all contexts of a tree of chains: requests that share a prefix share it. */
  readonly root: string;
}

/** The context of a chain without messages. `root` names the tree that grows from it. */
export function createContext(root: string): ChatContext {
  return { page: null, end: 0, totalBytes: 0, count: 0, open: null, root };
}

/** `parent` with `messages` behind it and `open` as its unfinished last turn: O(new messages). */
export function extendContext(
  parent: ChatContext,
  messages: readonly ChatMessage[],
  open: OpenTurn | null,
): ChatContext {
  if (messages.length === 0) return { ...parent, open };
  const text = (parent.count > 0 ? ',' : '') + encodeMessages(messages);
  const added = Buffer.byteLength(text);
  const page = pageFor(parent, added);
  const start = page.used;
  page.bytes.write(text, start, 'utf8');
  page.used = start + added;
  return {
    page,
    end: page.used,
    totalBytes: parent.totalBytes + added,
    count: parent.count + messages.length,
    open,
    root: parent.root,
  };
}

/** The encoded messages, in order, commas included: views of the pages, nothing copied, only an open last turn encoded. */
export function messageBytes(context: ChatContext): Buffer[] {
  const views: Buffer[] = [];
  let page = context.page;
  let end = context.end;
  while (page) {
    views.push(page.bytes.subarray(0, end));
    end = page.previous?.end ?? 0;
    page = page.previous?.page ?? null;
  }
  views.reverse();
  if (context.open) {
    const last = encodeMessages(sealTurn(context.open));
    if (last !== '') views.push(Buffer.from(context.count > 0 ? `,${last}` : last));
  }
  return views;
}

function encodeMessages(messages: readonly ChatMessage[]): string {
  return messages.map((message) => JSON.stringify(message)).join(',');
}

/** The parent's page when the parent is at its tip and there is room, else a new one behind it. */
function pageFor(parent: ChatContext, needed: number): Page {
  const { page, end } = parent;
  if (page && page.used === end && page.bytes.length - end >= needed) return page;
  const size = Math.max(needed, Math.min(maxPageBytes, Math.max(minPageBytes, parent.totalBytes)));
  // Slow: from outside the shared pool, which a view of a few bytes would keep alive. Views end where writing ended.
  return { bytes: Buffer.allocUnsafeSlow(size), used: 0, previous: page && { page, end } };
}
