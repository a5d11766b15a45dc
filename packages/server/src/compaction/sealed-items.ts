/**
 * The one place where sealed items are opened: what comes out is what an engine is given, so no engine ever meets a sealed item.
 *
 * A compaction stands for everything before it. The messages that were kept word for word are sealed inside. A client that puts
 * a window of its own choice in front of it (the endpoint's, Codex) means that one instead; a history that was not cut is no window.
 */
import {
  errors,
  type InputTransformation,
  type Item,
  type OutputCompactionItem,
  type ReasoningText,
} from '@longwire/protocol';
import type { Binding, Sealer, UnopenableReason } from './sealer.ts';
import { toSummaryMessage } from './summary.ts';

/** What a compaction item seals. */
export interface CompactionContent {
  /** The model's own words on what came before. */
  readonly summary: string;
  /** Messages that are kept as they were: orders of the developer and the system, the newest of the user. */
  readonly kept: readonly Item[];
}

/** What a reasoning item seals: all that the client's copy of it may lack. */
export interface ReasoningContent {
  /** The reasoning in words, where the model showed them. */
  readonly content: readonly ReasoningText[];
  /** The engine's own sealed form, for engines in front of a service that has one. */
  readonly encrypted_content: string | null;
}

/** Items as an engine may see them. */
export interface OpenedItems {
  readonly items: readonly Item[];
  /** Whether the chain begins here: nothing before these items is needed any more. */
  readonly restarts: boolean;
  readonly removed: readonly InputTransformation[];
}

/** Items cut at their newest compaction. */
interface Cut {
  /** The messages that stay in front; empty without a compaction. */
  readonly kept: readonly Item[];
  readonly summary: string | null;
  /** What stands behind it; everything without one. */
  readonly rest: readonly Item[];
}

/** Seals what a compaction made of a chain, for its `encrypted_content`. */
export function sealCompaction(sealer: Sealer, binding: Binding, content: CompactionContent): string {
  return sealer.seal('compaction', binding, content);
}

/** Seals reasoning, for its `encrypted_content`. */
export function sealReasoning(sealer: Sealer, binding: Binding, content: ReasoningContent): string {
  return sealer.seal('reasoning', binding, content);
}

/** The content of a compaction item. `path` names it in errors. Throws `invalid_value` for one that cannot be opened. */
export function openCompaction(
  sealer: Sealer,
  binding: Binding,
  item: Pick<OutputCompactionItem, 'encrypted_content'>,
  path: string,
): CompactionContent {
  const opened = sealer.open('compaction', binding, item.encrypted_content);
  if (!opened.ok) throw errors.invalidEncryptedContent(`${path}.encrypted_content`, unopenable[opened.reason]);
  return opened.content as CompactionContent;
}

const unopenable: Readonly<Record<UnopenableReason, string>> = {
  unknown: 'it was not sealed by this server, or with a key that this server no longer has.',
  damaged: 'it was cut or changed. Send compaction items back exactly as they came.',
  project: 'it was sealed for another project.',
  model: 'it was sealed for another model. Compact again with the model that goes on.',
};

/** What items of a node are bound to. A conversation's own items name no model: then the one that asks must be theirs. */
export function bindingOf(node: Binding, asking: Binding): Binding {
  return node.model === '' ? asking : node;
}

/** O(items). The same array where nothing is sealed. `path` names the list in errors. Throws as `openCompaction` does. */
export function openItems(sealer: Sealer, binding: Binding, items: readonly Item[], path = 'input'): OpenedItems {
  if (!items.some(needsOpening)) return { items, restarts: false, removed: [] };
  const { kept, summary, rest } = cutAtCompaction(sealer, binding, items, path);
  const removed: InputTransformation[] = [];
  const opened: Item[] = summary === null ? [] : [...kept, toSummaryMessage(summary)];
  for (const item of rest) {
    if (item.type === 'compaction_trigger') continue;
    const readable = item.type === 'reasoning' ? openReasoning(sealer, binding, item, removed) : item;
    if (readable) opened.push(readable);
  }
  return { items: opened, restarts: summary !== null, removed };
}

/** `items` without what their newest compaction stands for. Throws as `openCompaction` does. */
export function cutAtCompaction(sealer: Sealer, binding: Binding, items: readonly Item[], path = 'input'): Cut {
  const at = items.findLastIndex((item) => item.type === 'compaction');
  const item = items[at];
  if (item?.type !== 'compaction') return { kept: [], summary: null, rest: items };
  const { summary, kept } = openCompaction(sealer, binding, item, `${path}[${at}]`);
  const front = items.slice(0, at);
  const isWindow = front.every(isWindowItem) && front.some(isKeptMessage);
  return { kept: isWindow ? front.filter(isKeptMessage) : kept, summary, rest: items.slice(at + 1) };
}

/** The model's own words and work are never in a window: they are what a summary is made of. */
function isWindowItem(item: Item): boolean {
  return isKeptMessage(item) || item.type === 'additional_tools' || item.type === 'configuration_update';
}

/** Whether the item is a message that a compaction may keep: of the user, the developer or the system. */
export function isKeptMessage(item: Item): boolean {
  return item.type === 'message' && item.role !== 'assistant';
}

function needsOpening(item: Item): boolean {
  return (
    item.type === 'compaction' ||
    item.type === 'compaction_trigger' ||
    (item.type === 'reasoning' && Boolean(item.encrypted_content))
  );
}

type ReasoningItem = Extract<Item, { type: 'reasoning' }>;

/** The item with its text; null, and a note in `removed`, where it is not this project's and this model's. */
function openReasoning(
  sealer: Sealer,
  binding: Binding,
  item: ReasoningItem,
  removed: InputTransformation[],
): Item | null {
  if (!item.encrypted_content) return item;
  const opened = sealer.open('reasoning', binding, item.encrypted_content);
  if (opened.ok) {
    const { content, encrypted_content } = opened.content as ReasoningContent;
    const { encrypted_content: _sealed, ...open } = item;
    return { ...open, content: [...content], ...(encrypted_content !== null && { encrypted_content }) };
  }
  const reason = opened.reason === 'model' ? 'model_mismatch' : 'organization_mismatch';
  removed.push({ id: item.id ?? '', type: 'reasoning', action: 'removed', reason });
  return null;
}
