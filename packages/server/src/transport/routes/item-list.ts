/** Items as they are listed: whole, and with what is large only where it was asked for (dossier B.1 `include`, L.1). */
import type { Includable, InputPart, Item, MessageItem, OutputItem } from '@longwire/protocol';
import type { PageRequest } from '../../store/store.ts';

/** A page of items. */
export interface ItemList {
  readonly object: 'list';
  readonly data: readonly Item[];
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly has_more: boolean;
}

/** A list of what was read with one item more than the page holds. */
export function toItemList(read: readonly Item[], { limit }: Pick<PageRequest, 'limit'>): ItemList {
  const data = read.slice(0, limit);
  return {
    object: 'list',
    data,
    first_id: idOf(data.at(0)),
    last_id: idOf(data.at(-1)),
    has_more: read.length > limit,
  };
}

/** A page out of all items, oldest first, and one item more; null when `after` names none of them. */
export function pageOf(items: readonly Item[], { after, limit, order }: PageRequest): readonly Item[] | null {
  const ordered = order === 'asc' ? items : items.toReversed();
  const start = after === null ? 0 : ordered.findIndex((item) => idOf(item) === after) + 1;
  return after !== null && start === 0 ? null : ordered.slice(start, start + limit + 1);
}

/** An item as it is listed: a message's text as parts, its state told, and nothing large that was not asked for. */
export function toListedItem(item: Item, include: ReadonlySet<Includable>): Item {
  return withIncluded(item.type === 'message' ? toWholeMessage(item) : item, include);
}

/** An output item with nothing large that was not asked for. */
export function toListedOutput(item: OutputItem, include: ReadonlySet<Includable>): OutputItem {
  return withIncluded(item, include) as OutputItem;
}

function toWholeMessage(message: MessageItem): MessageItem {
  const { content, role } = message;
  const text = (value: string) =>
    role === 'assistant'
      ? { type: 'output_text' as const, text: value, annotations: [], logprobs: [] }
      : { type: 'input_text' as const, text: value };
  return {
    ...message,
    status: message.status ?? 'completed',
    content: typeof content === 'string' ? [text(content)] : content,
  };
}

function withIncluded(item: Item, include: ReadonlySet<Includable>): Item {
  switch (item.type) {
    case 'message':
      if (typeof item.content === 'string') return item;
      return { ...item, content: item.content.map((part) => toListedPart(part, include)) };
    case 'reasoning':
      return include.has('reasoning.encrypted_content') ? item : without(item, 'encrypted_content');
    case 'file_search_call':
      return include.has('file_search_call.results') ? item : without(item, 'results');
    case 'web_search_call':
      return withoutSources(include.has('web_search_call.results') ? item : without(item, 'results'), include);
    case 'computer_call_output':
      if (include.has('computer_call_output.output.image_url')) return item;
      return { ...item, output: without(item.output, 'image_url') };
    case 'code_interpreter_call':
      return include.has('code_interpreter_call.outputs') ? item : { ...item, outputs: null };
    default:
      return item;
  }
}

type WebSearchCall = Extract<Item, { type: 'web_search_call' }>;

function withoutSources(item: WebSearchCall, include: ReadonlySet<Includable>): WebSearchCall {
  const { action } = item;
  if (include.has('web_search_call.action.sources') || typeof action !== 'object' || action === null) return item;
  return { ...item, action: without(action, 'sources') };
}

type MessagePart = Exclude<MessageItem['content'], string>[number];

function toListedPart(part: MessagePart, include: ReadonlySet<Includable>): MessagePart {
  switch (part.type) {
    case 'output_text':
      return include.has('message.output_text.logprobs') ? part : { ...part, logprobs: [] };
    case 'input_image':
      return include.has('message.input_image.image_url') ? part : (without(part, 'image_url') as InputPart);
    default:
      return part;
  }
}

function without<T extends object>(value: T, name: string): T {
  return Object.fromEntries(Object.entries(value).filter(([field]) => field !== name)) as T;
}

function idOf(item: Item | undefined): string | null {
  return item && 'id' in item && typeof item.id === 'string' ? item.id : null;
}
