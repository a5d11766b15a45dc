/** From a parsed create to a request that a turn can run: what is not supported, what is stored, what it refers to. */
import { errors, type CreateRequest, type Item } from '@longwire/protocol';
import type { OpenConversation } from '../chain/conversations.ts';
import { identifyItems } from '../chain/stored-items.ts';
import type { TurnRequest, TurnServices } from './turn.ts';

/** Whether the response is to be stored. */
export function isStored(services: TurnServices, project: string, body: CreateRequest): boolean {
  return services.store !== null && body.store !== false && !services.zeroRetention(project);
}

/**
 * Takes the conversation that the request names for this turn.
 * Throws `conversation_not_found`, `conversation_locked`, and `unsupported_parameter` where nothing is stored.
 */
export async function openConversation(
  services: TurnServices,
  { body, project }: TurnRequest,
): Promise<OpenConversation | null> {
  const { conversation } = body;
  if (!conversation) return null;
  if (!services.conversations || services.zeroRetention(project)) {
    throw errors.unsupportedParameter('conversation', 'needs a store, and this server keeps none.');
  }
  return services.conversations.open(project, typeof conversation === 'string' ? conversation : conversation.id);
}

/**
 * The request with its history bound and its references resolved to `items`: O(new items). Items that will be stored get their ids
 * here, so that memory and store hold the same.
 */
export function bindRequest(
  services: TurnServices,
  request: TurnRequest,
  conversation: OpenConversation | null,
  items: readonly Item[],
): TurnRequest {
  const { body, project } = request;
  const isKept = conversation !== null || isStored(services, project, body);
  if (!isKept && items === body.input) return request;
  const input = isKept ? identifyItems(items, '', services.now()) : [...items];
  return { ...request, body: { ...body, input }, parent: conversation ? conversation.node : request.parent };
}

/** Names the fields that would change the answer, and that no engine of ours can honour: an error is better than silence. */
export function refuseUnsupported(services: TurnServices, { body, project }: TurnRequest): void {
  if (body.background === true && !isStored(services, project, body)) {
    throw errors.unsupportedValue('background', 'can only be true for a response that is stored (store: true).');
  }
  if (body.prompt) throw errors.unsupportedParameter('prompt', 'is not supported: this server keeps no prompts.');
  if (body.moderation)
    throw errors.unsupportedParameter('moderation', 'is not supported: this server moderates nothing.');
  if (body.multi_agent?.['enabled'] === true) {
    throw errors.unsupportedParameter('multi_agent', 'is not supported: this server runs no agents.');
  }
}
