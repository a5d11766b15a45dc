/** `/v1/conversations`: conversations and their items (dossier L.1). */
import {
  createId,
  errors,
  parseConversation,
  parseConversationItems,
  parseConversationUpdate,
} from '@longwire/protocol';
import type { Includable, Item } from '@longwire/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Conversations } from '../../chain/conversations.ts';
import { identifyItems, resolveReferences } from '../../chain/stored-items.ts';
import type { Store, StoredConversation } from '../../store/store.ts';
import type { TurnServices } from '../../turn/turn.ts';
import { bodyOf } from './body.ts';
import { toItemList, toListedItem } from './item-list.ts';
import { parseInclude, parsePage, type Query } from './query.ts';

type ById = { Params: { id: string }; Querystring: Query };
type ItemById = { Params: { id: string; itemId: string }; Querystring: Query };

/** Adds the routes with and without `/v1`. Without a store every one of them answers 400. */
export function addConversationRoutes(app: FastifyInstance, services: TurnServices): void {
  for (const prefix of ['/v1', '']) {
    app.post(`${prefix}/conversations`, (request) => create(services, request));
    app.get<ById>(`${prefix}/conversations/:id`, async ({ project, params }) => {
      const found = await partsOf(services, project).store.getConversation(project, params.id);
      return toConversation(params.id, found);
    });
    app.post<ById>(`${prefix}/conversations/:id`, async (request) => {
      const { id } = request.params;
      const { metadata } = parseConversationUpdate(bodyOf(request));
      return toConversation(
        id,
        await partsOf(services, request.project).store.updateConversation(request.project, id, metadata ?? {}),
      );
    });
    app.delete<ById>(`${prefix}/conversations/:id`, async ({ project, params: { id } }) => {
      const { store, conversations } = partsOf(services, project);
      conversations.forget(project, id);
      if (!(await store.deleteConversation(project, id, nowSeconds(services)))) throw errors.conversationNotFound(id);
      return { id, object: 'conversation.deleted', deleted: true };
    });
    addItemRoutes(app, services, `${prefix}/conversations/:id/items`);
  }
}

function addItemRoutes(app: FastifyInstance, services: TurnServices, path: string): void {
  app.post<ById>(path, async (request) => {
    const { project, params, query } = request;
    const items = parseConversationItems(bodyOf(request));
    const include = parseInclude(query);
    const added = await identified(services, project, items);
    await partsOf(services, project).conversations.append(project, params.id, added);
    return toItemList(listed(added, include), { limit: added.length });
  });
  app.get<ById>(path, async ({ project, params: { id }, query }) => {
    const { store } = partsOf(services, project);
    const page = parsePage(query);
    const include = parseInclude(query);
    toConversation(id, await store.getConversation(project, id));
    const items = await store.listItems(project, id, { ...page, limit: page.limit + 1 });
    if (!items) throw errors.listedItemNotFound(page.after ?? '', 'after');
    return toItemList(listed(items, include), page);
  });
  app.get<ItemById>(`${path}/:itemId`, async ({ project, params: { id, itemId }, query }) => {
    const { store } = partsOf(services, project);
    const include = parseInclude(query);
    toConversation(id, await store.getConversation(project, id));
    const item = await store.getItem(project, id, itemId);
    if (!item) throw errors.listedItemNotFound(itemId, 'item_id');
    return toListedItem(item, include);
  });
  app.delete<ItemById>(`${path}/:itemId`, async ({ project, params: { id, itemId } }) => {
    const { store, conversations } = partsOf(services, project);
    if (!(await conversations.deleteItem(project, id, itemId))) throw errors.listedItemNotFound(itemId, 'item_id');
    return toConversation(id, await store.getConversation(project, id));
  });
}

async function create(services: TurnServices, request: FastifyRequest): Promise<object> {
  const { project } = request;
  const { store } = partsOf(services, project);
  const { items, metadata } = parseConversation(bodyOf(request));
  const conversation = { id: createId('conv'), project, createdAt: nowSeconds(services), metadata };
  await store.createConversation(conversation, await identified(services, project, items));
  return toConversation(conversation.id, { ...conversation, position: items.length });
}

async function identified(services: TurnServices, project: string, items: readonly Item[]): Promise<readonly Item[]> {
  return identifyItems(await resolveReferences(services.store, project, items), '', services.now());
}

/** What keeps conversations. Throws `unsupported_parameter` where nothing is stored, or nothing of this project. */
function partsOf(services: TurnServices, project: string): { store: Store; conversations: Conversations } {
  const { store, conversations } = services;
  if (store && conversations && !services.zeroRetention(project)) return { store, conversations };
  throw errors.unsupportedParameter('conversation', 'needs a store, and this server keeps none.');
}

function toConversation(id: string, found: StoredConversation | null): object {
  if (!found) throw errors.conversationNotFound(id);
  return { id: found.id, object: 'conversation', created_at: found.createdAt, metadata: found.metadata };
}

function listed(items: readonly Item[], include: ReadonlySet<Includable>): readonly Item[] {
  return items.map((item) => toListedItem(item, include));
}

function nowSeconds(services: TurnServices): number {
  return Math.floor(services.now() / 1000);
}
