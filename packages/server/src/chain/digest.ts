/**
 * A history as one hash, and the same hash for all ways in which clients echo it (docs/decisions/0012).
 *
 * SHA-256 over what a model sees of each item, chained: two histories with the same digest are the same history, so nothing is
 * compared behind a hit. What clients add, drop or write otherwise without any model noticing does not count.
 */
import { hash } from 'node:crypto';
import type { Item } from '@longwire/protocol';

/** A digest of some items in a row, in hexadecimal. */
export type Digest = string;

/** The digest of no items. */
export const emptyDigest: Digest = hash('sha256', '');

/** The digest of a history with one more item: O(item). Items that no model sees leave it as it is. */
export function addToDigest(digest: Digest, item: Item): Digest {
  const seen = toSeen(item);
  // A digest has a fixed length, and the text behind it is JSON: no two pairs of them give the same input.
  return seen === null ? digest : hash('sha256', digest + JSON.stringify(seen));
}

/** Whether a model wrote the item: it joins what the model wrote before it. */
export function isModelMade(item: Item): boolean {
  return item.type === 'message' ? item.role === 'assistant' : modelMade.has(item.type);
}

const modelMade: ReadonlySet<string> = new Set([
  'reasoning',
  'function_call',
  'custom_tool_call',
  'local_shell_call',
  'shell_call',
  'apply_patch_call',
  'computer_call',
  'tool_search_call',
  'mcp_call',
]);

type Fields = readonly (readonly [name: string, value: unknown])[];

/** What a model may see of an item, in one form whatever its spelling; null for nothing. Fields that we do not know count. */
function toSeen(item: Item): Fields | null {
  if (item.type === 'reasoning') {
    const text = (item.content ?? []).map((part) => part.text).join('');
    const sealed = item.encrypted_content ?? '';
    return text === '' && sealed === ''
      ? null
      : [
          ['reasoning', text],
          ['sealed', sealed],
        ];
  }
  const hidden = unseen.get(item.type) ?? none;
  return fieldsOf(item, hidden).map(([name, value]) =>
    name === 'content' || name === 'output' ? [name, toSeenContent(value)] : [name, value],
  );
}

const none: ReadonlySet<string> = new Set();
const idAndStatus: ReadonlySet<string> = new Set(['id', 'status']);

/** Of the other types an id may stand in for the call's, and a status may be what a tool has to say. */
const unseen: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['message', idAndStatus],
  ['function_call', idAndStatus],
  ['function_call_output', idAndStatus],
  ['custom_tool_call', idAndStatus],
  ['custom_tool_call_output', idAndStatus],
]);

/** A text is the same as a list of one text. */
function toSeenContent(content: unknown): unknown {
  if (typeof content === 'string') return [['text', content]];
  return Array.isArray(content) ? content.map(toSeenPart) : content;
}

const textTypes: ReadonlySet<unknown> = new Set(['input_text', 'output_text', 'text']);
const marginalia: ReadonlySet<string> = new Set(['prompt_cache_breakpoint']);
const textMarginalia: ReadonlySet<string> = new Set([...marginalia, 'type', 'text', 'annotations', 'logprobs']);

function toSeenPart(part: unknown): unknown {
  if (typeof part !== 'object' || part === null) return part;
  const { type, text } = part as { type?: unknown; text?: unknown };
  if (!textTypes.has(type)) return fieldsOf(part, marginalia);
  const others = fieldsOf(part, textMarginalia);
  return others.length === 0 ? ['text', text] : ['text', text, others];
}

/** In order of their names; null says no more than nothing. */
function fieldsOf(value: object, hidden: ReadonlySet<string>): Fields {
  return Object.entries(value)
    .filter(([name, field]) => field !== null && field !== undefined && !hidden.has(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}
