/** The official SDK as a client of a test server. What it reads is held against its own types. */
import OpenAI from 'openai';
import type { Response, ResponseStreamEvent } from 'openai/resources/responses/responses';
import { requireSdkEvent, requireSdkResponse } from '../contract/sdk-shapes.ts';

export const model = 'test-model';

export function clientOf(server: { url: string }, apiKey = 'unused'): OpenAI {
  return new OpenAI({ baseURL: server.url, apiKey, maxRetries: 0, fetch: fetchChecked });
}

/** Fetches, and throws for a body that the SDK's types do not describe. */
async function fetchChecked(...request: Parameters<typeof fetch>): Promise<globalThis.Response> {
  const answer = await fetch(...request);
  const type = answer.headers.get('content-type') ?? '';
  if (type.startsWith('application/json')) requireSdkBody(await answer.clone().json());
  if (!type.startsWith('text/event-stream') || !answer.body) return answer;
  return new globalThis.Response(answer.body.pipeThrough(checkEvents()), answer);
}

function requireSdkBody(body: unknown): void {
  const isResponse = typeof body === 'object' && body !== null && Reflect.get(body, 'object') === 'response';
  if (isResponse && !('deleted' in body)) requireSdkResponse(body);
}

/** Passes server-sent events on as they are; the stream fails at the first one that is not as it should be. */
function checkEvents(): TransformStream<Uint8Array, Uint8Array> {
  const text = new TextDecoder();
  let rest = '';
  return new TransformStream({
    transform(bytes, controller) {
      const lines = (rest + text.decode(bytes, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('data: {')) requireSdkEvent(JSON.parse(line.slice('data: '.length)));
      }
      controller.enqueue(bytes);
    },
  });
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
