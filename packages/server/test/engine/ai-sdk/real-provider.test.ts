/** A real provider's package, as npm has it, between our engine and a chat-completions server. */
import { afterEach, describe, expect, it } from 'vitest';
import { createAISDKEngine } from '../../../src/engine/ai-sdk/ai-sdk.ts';
import { json, say, startChatServer, stream, type ChatServer } from '../openai-chat/chat-server.ts';
import { tell, textOf, toGeneration } from '../openai-responses/chain.ts';

let server: ChatServer | null = null;
afterEach(() => server?.close());

async function createEngine() {
  server = await startChatServer();
  const settings = { name: 'local', baseURL: server.baseUrl, apiKey: 'sk-local', includeUsage: true };
  const engine = await createAISDKEngine({
    engineName: 'compatible',
    name: '@ai-sdk/openai-compatible',
    settings,
    folder: process.cwd(),
    models: ['test-model'],
  });
  return { engine, server };
}

interface Body {
  readonly messages: readonly Record<string, unknown>[];
  readonly tools?: readonly unknown[];
}

function bodyOf({ asked }: ChatServer, index: number): Body {
  return JSON.parse(asked[index]?.body ?? '{}') as Body;
}

describe('@ai-sdk/openai-compatible', () => {
  it('streams a text with its usage, and continues the chain', async () => {
    const { engine, server: upstream } = await createEngine();
    const usage = { prompt_tokens: 9, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 4 } };
    upstream.answer = stream(
      { choices: [{ index: 0, delta: { content: 'Hel' } }] },
      { choices: [{ index: 0, delta: { content: 'lo.' }, finish_reason: 'stop' }] },
      { choices: [], usage },
    );
    const first = await tell(engine, null, 'One.', { instructions: 'Be brief.' });
    expect(textOf(first.events)).toBe('Hello.');
    expect(first.events.at(-1)).toMatchObject({ usage: { inputTokens: 9, cachedTokens: 4, outputTokens: 2 } });
    await tell(engine, first.context, 'Two.');
    expect(bodyOf(upstream, 1).messages).toEqual([
      { role: 'user', content: 'One.' },
      { role: 'assistant', content: 'Hello.' },
      { role: 'user', content: 'Two.' },
    ]);
    expect(upstream.asked[0]?.headers.authorization).toBe('Bearer sk-local');
  });

  it('carries a call, its output, and reasoning', async () => {
    const { engine, server: upstream } = await createEngine();
    const call = { index: 0, id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } };
    upstream.answer = stream(
      { choices: [{ index: 0, delta: { reasoning_content: 'Look.' } }] },
      { choices: [{ index: 0, delta: { tool_calls: [call] } }] },
      { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
    );
    const tools = [{ type: 'function', name: 'weather', parameters: { type: 'object', properties: {} } }];
    const called = await tell(engine, null, 'Weather?', { tools });
    expect(called.output).toMatchObject([
      { type: 'reasoning', content: [{ text: 'Look.' }] },
      { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"city":"Oslo"}' },
    ]);
    upstream.answer = say('Rain.');
    await tell(engine, called.context, [{ type: 'function_call_output', call_id: 'c1', output: 'Rain.' }]);
    expect(bodyOf(upstream, 0).tools).toHaveLength(1);
    expect(bodyOf(upstream, 1).messages).toMatchObject([
      { role: 'user' },
      { role: 'assistant', reasoning_content: 'Look.', tool_calls: [{ id: 'c1', function: { name: 'weather' } }] },
      { role: 'tool', tool_call_id: 'c1', content: 'Rain.' },
    ]);
  });

  it('reports what goes wrong in our words', async () => {
    const { engine, server: upstream } = await createEngine();
    upstream.answer = json(429, { error: { message: 'Slow down.' } }, { 'retry-after': '7' });
    await expect(tell(engine, null, 'Hi.')).rejects.toMatchObject({ entry: 'rate_limit_exceeded', retryAfterMs: 7000 });
    upstream.answer = json(400, { error: { message: 'context_length_exceeded: too long' } });
    await expect(tell(engine, null, 'Hi.')).rejects.toMatchObject({ entry: 'context_length_exceeded' });
    await upstream.close();
    await expect(tell(engine, null, 'Hi.')).rejects.toMatchObject({ entry: 'engine_unavailable' });
  });

  it('closes its request when the turn is aborted', async () => {
    const { engine, server: upstream } = await createEngine();
    upstream.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'So' } }] })}\n\n`);
    };
    const abort = new AbortController();
    const running = (async () => {
      for await (const _ of engine.generate(toGeneration(engine, null, 'Hi.'), abort.signal)) abort.abort();
    })();
    await expect(running).rejects.toThrow('aborted');
    await upstream.asked[0]?.aborted;
  });
});
