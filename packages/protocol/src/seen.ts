/**
 * What a model sees of an item, in one form for all ways in which clients echo it (docs/decisions/0012): what they add, drop or
 * write otherwise without any model noticing does not count.
 */
import type { Item } from './items/unions.ts';

/** Fields in the order of their names. */
export type Seen = readonly (readonly [name: string, value: unknown])[];

/** What a model may see of an item, in one form whatever its spelling; null for nothing. Fields that we do not know count. */
export function toSeen(item: Item): Seen | null {
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
// `parsed` and `parsed_arguments` are what the official SDK makes of texts for its user, and what comes back with them.
const unseen: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['message', idAndStatus],
  ['function_call', new Set([...idAndStatus, 'parsed_arguments'])],
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
const textMarginalia: ReadonlySet<string> = new Set([
  ...marginalia,
  'type',
  'text',
  'annotations',
  'logprobs',
  'parsed',
]);

function toSeenPart(part: unknown): unknown {
  if (typeof part !== 'object' || part === null) return part;
  const { type, text } = part as { type?: unknown; text?: unknown };
  if (!textTypes.has(type)) return fieldsOf(part, marginalia);
  const others = fieldsOf(part, textMarginalia);
  return others.length === 0 ? ['text', text] : ['text', text, others];
}

/** In order of their names; null says no more than nothing. */
function fieldsOf(value: object, hidden: ReadonlySet<string>): Seen {
  return Object.entries(value)
    .filter(([name, field]) => field !== null && field !== undefined && !hidden.has(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}
