/** The AI SDK drives a real server over a WebSocket, by a `fetch` that people would write for it (clients.md 9). */
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, isStepCount, streamText, tool } from 'ai';
import { errors } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createEchoEngine } from '../echo-engine.ts';
import { callTurn, isTerminal, textTurn } from '../harness.ts';
import { breakInMidTurn, breaks, startFaultyServer } from './faulty-server.ts';
import type { FaultyServer } from './faulty-server.ts';

const turns = [callTurn(['call_paris', 'get_weather', '{"city":"Paris"}']), textTurn('It rains in Paris.')];

/** `fetch` over one socket at a time: a POST becomes a `response.create`, its events the lines of a stream. */
class SocketFetch implements Disposable {
  #socket: WebSocket | null = null;

  readonly fetch = async (url: unknown, init?: { body?: unknown }): Promise<Response> => {
    const { stream: _stream, ...fields } = JSON.parse(String(init?.body)) as Record<string, unknown>;
    const socket = await this.#open(String(url).replace(/^http/, 'ws'));
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        const end = new AbortController();
        const on = { signal: end.signal };
        const lose = () => controller.error(new Error('The socket closed in mid-turn.'));
        socket.addEventListener('close', lose, on);
        const pass = ({ data }: MessageEvent) => {
          controller.enqueue(new TextEncoder().encode(`data: ${String(data)}\n\n`));
          if (!isTerminal(JSON.parse(String(data)) as { type: string })) return;
          end.abort();
          controller.close();
        };
        socket.addEventListener('message', pass, on);
        socket.send(JSON.stringify({ type: 'response.create', ...fields }));
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  };

  async #open(url: string): Promise<WebSocket> {
    if (this.#socket?.readyState === WebSocket.OPEN) return this.#socket;
    const socket = new WebSocket(url);
    this.#socket = socket;
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve, { once: true });
      socket.addEventListener('error', () => reject(new Error('No socket opened.')), { once: true });
    });
    return socket;
  }

  [Symbol.dispose](): void {
    this.#socket?.close();
  }
}

interface Ask {
  readonly store?: boolean;
  readonly previousResponseId?: string;
}

/** What a person does with the SDK: ask, let it call the tool, read to the end. */
function createClient(server: FaultyServer) {
  const socket = new SocketFetch();
  const openai = createOpenAI({ baseURL: server.url, apiKey: 'unused', fetch: socket.fetch });
  const cities: string[] = [];
  const weather = tool({
    description: 'The weather in a city.',
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      cities.push(city);
      return 'rain';
    },
  });
  async function ask(prompt: string, options: Ask = {}) {
    const failures: unknown[] = [];
    const result = streamText({
      model: openai.responses('test-model'),
      tools: { get_weather: weather },
      stopWhen: isStepCount(3),
      maxRetries: 0,
      prompt,
      providerOptions: { openai: { store: false, ...options } },
      onError: ({ error }) => void failures.push(error),
    });
    let text = '';
    try {
      for await (const delta of result.textStream) text += delta;
    } catch (error) {
      failures.push(error);
    }
    return { text, failures };
  }
  return { ask, cities, [Symbol.dispose]: () => socket[Symbol.dispose]() };
}

/** The SDK wraps what its stream throws, or passes it on, by how far it had read. */
function causeOf(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  return failure.cause instanceof Error ? failure.cause.message : failure.message;
}

describe('over the WebSocket', () => {
  it('a tool round trip on one socket', async () => {
    await using server = await startFaultyServer({ turns });
    using client = createClient(server);
    expect(await client.ask('Weather in Paris?')).toEqual({ text: 'It rains in Paris.', failures: [] });
    expect(client.cities).toEqual(['Paris']);
    expect(server.proxy.requests.map(({ socket, items }) => [socket, items])).toEqual([
      [1, 1],
      [1, 3],
    ]);
  });

  it('an error frame is an error of its own kind; the socket goes on', async () => {
    await using server = await startFaultyServer();
    using client = createClient(server);
    const { text, failures } = await client.ask('Hi.', { previousResponseId: 'resp_unknown' });
    expect(text).toBe('');
    expect(failures).toHaveLength(1);
    // Were a field missing that it wants of an error, this would be its "Type validation failed".
    expect(String(failures[0])).toContain('resp_unknown');
    expect(await client.ask('Hi.')).toEqual({ text: 'Hello.', failures: [] });
    expect(server.proxy.opened).toBe(1);
  });

  it('a response that fails is an error with its message', async () => {
    const { engine } = createEchoEngine({
      answer: () => {
        throw errors.engineUnavailable('The upstream is gone.');
      },
    });
    await using server = await startFaultyServer({ engines: [engine] });
    using client = createClient(server);
    const { failures } = await client.ask('Hi.');
    expect(failures).toMatchObject([expect.any(APICallError)]);
    expect(String(failures[0])).toContain('The upstream is gone.');
  });

  it.each(breaks)('%s in mid-turn is an error; the next call connects again', async (how) => {
    await using server = await startFaultyServer({}, breakInMidTurn(how));
    using client = createClient(server);
    const { failures } = await client.ask('Hi.');
    expect(failures.map(causeOf)).toEqual(['The socket closed in mid-turn.']);
    expect(await client.ask('Hi.')).toEqual({ text: 'Hello.', failures: [] });
    expect(server.proxy.opened).toBe(2);
  });

  it.each(breaks)('%s while idle goes unnoticed', async (how) => {
    await using server = await startFaultyServer();
    using client = createClient(server);
    expect(await client.ask('Hi.')).toEqual({ text: 'Hello.', failures: [] });
    await server.proxy.breakAll(how);
    expect(await client.ask('Hi.')).toEqual({ text: 'Hello.', failures: [] });
    expect(server.proxy.opened).toBe(2);
  });
});
