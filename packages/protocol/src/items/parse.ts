/** Items of a request: each checked by its own type's checker, kept as it came (dossier B.1.1). */
import { errors } from '../errors.ts';
import { isObject } from '../json-type.ts';
import { nameOf } from '../mismatch.ts';
import { checkTools } from '../tools/registry.ts';
import { checkerOfItem } from './registry.ts';
import type { Item } from './unions.ts';

/**
 * The items of an `input`: a string is one user message, nothing is no items. O(input).
 *
 * Throws what `parseItems` throws, and `invalid_request` for a `compaction_trigger` that is not the last item.
 */
export function parseInput(value: unknown): Item[] {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return [createUserMessage(value)];
  if (!Array.isArray(value)) throw errors.invalidType('input', 'a string or an array', nameOf(value));
  const items = parseItems(value, 'input');
  const trigger = items.findIndex(({ type }) => type === 'compaction_trigger');
  if (trigger !== -1 && trigger !== items.length - 1) {
    throw errors.invalidRequest("A 'compaction_trigger' must be the last item of 'input'.", `input[${trigger}]`);
  }
  return items;
}

/** The item that a string stands for. */
export function createUserMessage(text: string): Item {
  return { type: 'message', role: 'user', content: [{ type: 'input_text', text }] };
}

/**
 * Items as a client wrote them; `list` names them in errors. Valid ones are returned by reference; only messages and references that
 * leave out `type` are copied, one level deep. Items of unknown types are kept as they came.
 *
 * Throws `missing_required_parameter`, `invalid_type` or `invalid_value`, with the exact place (`input[150].name`) as `param`.
 */
export function parseItems(values: readonly unknown[], list: string): Item[] {
  return values.map((value, index) => {
    if (!isObject(value)) throw errors.invalidType(`${list}[${index}]`, 'an object', nameOf(value));
    const typed = typeof value['type'] === 'string' ? value : withType(value, `${list}[${index}]`);
    const item = typed as unknown as Item;
    const checker = checkerOfItem(item.type);
    if (checker && !checker.check(item)) throw checker.mismatch(item, `${list}[${index}]`);
    if (item.type === 'additional_tools' || item.type === 'tool_search_output') {
      checkTools(item.tools, `${list}[${index}].tools`);
    }
    return item;
  });
}

/** A copy of what has no `type`, with the one that it stands for. */
function withType(value: Record<string, unknown>, path: string): Record<string, unknown> {
  const { type } = value;
  if (type === undefined && 'role' in value) return { ...value, type: 'message' };
  if (type !== undefined && type !== null) throw errors.invalidType(`${path}.type`, 'a string', nameOf(type));
  if (typeof value['id'] === 'string') return { ...value, type: 'item_reference' };
  throw errors.missing(`${path}.type`);
}
