/** Conversations: what a client sends to make and to change one (dossier L.1). */
import { createChecker } from './check.ts';
import { errors } from './errors.ts';
import { parseItems } from './items/parse.ts';
import type { Item } from './items/unions.ts';
import { type Static, Type } from './schema.ts';
import { Metadata } from './settings.ts';

/** A conversation, without its items. */
export const Conversation = Type.Object({
  id: Type.String(),
  object: Type.Literal('conversation'),
  /** Unix seconds. */
  created_at: Type.Integer(),
  metadata: Metadata,
});
export type Conversation = Static<typeof Conversation>;

/** What a new conversation begins with. */
export const ConversationBody = Type.Object({
  items: Type.Maybe(Type.Array(Type.Unknown())),
  metadata: Type.Maybe(Metadata),
});

/** What can be changed. */
export const ConversationUpdate = Type.Object({ metadata: Type.Nullable(Metadata) });
export type ConversationUpdate = Static<typeof ConversationUpdate>;

/** Items to add. */
export const ConversationItemsBody = Type.Object({ items: Type.Array(Type.Unknown()) });

/** Items that one request may add. */
const maxItems = 20;

const conversationChecker = createChecker(ConversationBody);
const updateChecker = createChecker(ConversationUpdate);
const itemsChecker = createChecker(ConversationItemsBody);

/** Parses the body of a new conversation. Throws what `parseItems` throws, and `invalid_value` for too many items. */
export function parseConversation(body: Record<string, unknown>): { items: Item[]; metadata: Metadata } {
  const { items, metadata } = conversationChecker.parse(body);
  return { items: parseFew(items ?? []), metadata: metadata ?? {} };
}

/** Parses a change. Throws `missing_required_parameter`, `invalid_type` or `invalid_value`. */
export function parseConversationUpdate(body: Record<string, unknown>): ConversationUpdate {
  return updateChecker.parse(body);
}

/** Parses items to add. Throws what `parseItems` throws, and `invalid_value` for too many items. */
export function parseConversationItems(body: Record<string, unknown>): Item[] {
  return parseFew(itemsChecker.parse(body).items);
}

function parseFew(items: readonly unknown[]): Item[] {
  if (items.length > maxItems) throw errors.invalidValue('items', `expected at most ${maxItems} items.`);
  return parseItems(items, 'items');
}
