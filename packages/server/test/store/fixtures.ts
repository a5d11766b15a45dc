import { createResponse, createResponseId, resolveSettings } from '@longwire/protocol';
import type { StoredResponse } from '../../src/store/store.ts';

/** A response with one user message and one answer. */
export function storedResponse(changes: Partial<StoredResponse> & { text?: string } = {}): StoredResponse {
  const { text = 'Hello.', id = createResponseId(1_790_000_000_000), ...rest } = changes;
  const settings = resolveSettings({ input: [], model: 'm' });
  const response = createResponse({ id, createdAt: 1_790_000_000, model: 'm', settings, status: 'completed' });
  return {
    id,
    project: 'default',
    parentId: null,
    conversation: null,
    createdAt: 1_790_000_000,
    input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text }] }],
    response,
    ...rest,
  };
}

/** `length` responses, each the parent of the next, root first. */
export function storedChain(length: number): StoredResponse[] {
  const chain: StoredResponse[] = [];
  for (let i = 0; i < length; i++) {
    chain.push(storedResponse({ parentId: chain.at(-1)?.id ?? null, text: `turn ${i}` }));
  }
  return chain;
}

/** The element at an index that must exist. */
export function at<T>(list: readonly T[], index: number): T {
  const element = list.at(index);
  if (element === undefined) throw new Error(`Nothing at ${index}.`);
  return element;
}
