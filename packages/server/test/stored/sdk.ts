/** The official SDK as a client of a test server. */
import OpenAI from 'openai';
import type { Response, ResponseStreamEvent } from 'openai/resources/responses/responses';

export const model = 'test-model';

export function clientOf(server: { url: string }, apiKey = 'unused'): OpenAI {
  return new OpenAI({ baseURL: server.url, apiKey, maxRetries: 0 });
}

/** Every element of a list that pages by itself. */
export async function allOf<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const element of pages) all.push(element);
  return all;
}

/** The text of an item that is a message, or its type. */
export function textOf(item: object): string {
  const { content, type } = item as { content?: { text?: string }[]; type: string };
  return content?.map((part) => part.text ?? '').join('') ?? type;
}

/** Asks for a background response until it is over. Every poll is a request: nothing sleeps. */
export async function untilOver(client: OpenAI, id: string): Promise<Response> {
  for (;;) {
    const response = await client.responses.retrieve(id);
    if (response.status !== 'queued' && response.status !== 'in_progress') return response;
  }
}

/** The `sequence_number` of every event. */
export function numbersOf(events: readonly ResponseStreamEvent[]): number[] {
  return events.map((event) => event.sequence_number);
}
