/** Items of our chain as an upstream takes them, and whether its own answer is what our chain went on with. */
import type { Item } from '@longwire/protocol';
import type { UpstreamItem, UpstreamPart } from './wire.ts';

/** Types whose ids are ours, mean nothing to the upstream and may be left out. The others must keep theirs. */
const withoutId: ReadonlySet<string> = new Set([
  'message',
  'reasoning',
  'function_call',
  'function_call_output',
  'custom_tool_call',
  'custom_tool_call_output',
]);

/**
 * The items to send. O(items). Reasoning that has neither text nor a seal says nothing to any model, and upstreams refuse it.
 */
export function toUpstreamItems(items: readonly Item[]): unknown[] {
  return items.filter((item) => !isEmptyReasoning(item)).map(toUpstreamItem);
}

function toUpstreamItem(item: Item): unknown {
  if (!withoutId.has(item.type)) return item;
  const { id: _, ...rest } = item as Item & { id?: unknown };
  return rest;
}

function isEmptyReasoning(item: Item): boolean {
  return item.type === 'reasoning' && !item.encrypted_content && (item.content?.length ?? 0) === 0;
}

/**
 * Whether the output that our chain keeps is what the upstream's response holds, so that the chain may go on from that
 * response: the same items, calls and words. Reasoning is compared by its place only: ours may lack the seal.
 */
export function isSameOutput(ours: readonly Item[], theirs: readonly UpstreamItem[]): boolean {
  return ours.length === theirs.length && ours.every((item, index) => isSame(item as UpstreamItem, theirs[index]));
}

function isSame(ours: UpstreamItem, theirs: UpstreamItem | undefined): boolean {
  if (ours.type !== theirs?.type) return false;
  switch (ours.type) {
    case 'message':
      return textOf(ours.content) === textOf(theirs.content);
    case 'function_call':
      return ours.call_id === theirs.call_id && ours.arguments === theirs.arguments;
    case 'custom_tool_call':
      return ours.call_id === theirs.call_id && ours.input === theirs.input;
    default:
      return ours.call_id === theirs.call_id;
  }
}

function textOf(parts: readonly UpstreamPart[] | null | undefined): string {
  return (parts ?? []).map((part) => part.text ?? part.refusal ?? '').join('\n');
}
