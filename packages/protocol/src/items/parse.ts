/** Items of a request: each checked by its own type's checker, kept as it came (dossier B.1.1). */
import { errors } from '../errors.ts';
import { nameOf } from '../mismatch.ts';
import { checkTools } from '../tools/registry.ts';
import { checkerOfItem } from './registry.ts';
import type { Item } from './unions.ts';

/**
 * One item of a request. `path` names it in errors (`input[150]`). Valid items are returned by reference; only messages and
 * references that leave out `type` are copied, one level deep. An item of an unknown type is kept as it came.
 *
 * Throws `missing_required_parameter`, `invalid_type` or `invalid_value`, with the exact place as `param`.
 */
export function parseItem(value: unknown, path: string): Item {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw errors.invalidType(path, 'an object', nameOf(value));
  }
  const typed = withType(value as Record<string, unknown>, path);
  checkerOfItem(typed.type)?.parse(typed, path);
  const item = typed as Item;
  if (item.type === 'additional_tools' || item.type === 'tool_search_output') checkTools(item.tools, `${path}.tools`);
  return item;
}

function withType(value: Record<string, unknown>, path: string): { type: string } {
  const { type } = value;
  if (typeof type === 'string') return value as { type: string };
  if (type === undefined && 'role' in value) return { ...value, type: 'message' };
  if (type !== undefined && type !== null) throw errors.invalidType(`${path}.type`, 'a string', nameOf(type));
  if (typeof value['id'] === 'string') return { ...value, type: 'item_reference' };
  throw errors.missing(`${path}.type`);
}

/**
 * The items of an `input`: a string is one user message, nothing is no items. O(input).
 *
 * Throws what `parseItem` throws, and `invalid_request` for a `compaction_trigger` that is not the last item.
 */
export function parseInput(value: unknown): Item[] {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return [createUserMessage(value)];
  if (!Array.isArray(value)) throw errors.invalidType('input', 'a string or an array', nameOf(value));
  return value.map((element: unknown, index) => {
    const item = parseItem(element, `input[${index}]`);
    if (item.type === 'compaction_trigger' && index !== value.length - 1) {
      throw errors.invalidRequest("A 'compaction_trigger' must be the last item of 'input'.", `input[${index}]`);
    }
    return item;
  });
}

/** The item that a string stands for. */
export function createUserMessage(text: string): Item {
  return { type: 'message', role: 'user', content: [{ type: 'input_text', text }] };
}
