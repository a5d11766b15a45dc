/** Compaction on engines that stand before real models: the embedded one with the demo model, and a chat-completions server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { tinyDemo } from '../../src/engine/llama/demo.ts';
import { createLlamaEngine } from '../../src/engine/llama/llama.ts';
import { createOpenAIChatEngine } from '../../src/engine/openai-chat/openai-chat.ts';
import { startChatServer, stream } from '../engine/openai-chat/chat-server.ts';
import { TestSocket } from '../harness.ts';
import { startCompactingServer } from './world.ts';

const model = 'tiny-demo';
const trigger = { type: 'compaction_trigger' };
let engine: Engine;

beforeAll(async () => {
  engine = (await createLlamaEngine({ ...tinyDemo, threads: 1 })) as Engine;
});
afterAll(() => engine.close());

/** The engine outlives the servers of single tests. */
const shared = (): Engine => ({
  name: engine.name,
  models: () => engine.models(),
  extend: (parent, items) => engine.extend(parent, items),
  generate: (request, signal) => engine.generate(request, signal),
  count: (request, signal) => engine.count?.(request, signal) ?? Promise.reject(new Error('It cannot count.')),
  release: (context) => engine.release(context),
  close: () => Promise.resolve(),
});

async function post(url: string, body: unknown): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ model, ...(body as object) }) });
  return (await response.json()) as Record<string, unknown>;
}

describe('the embedded model', () => {
  it('writes a summary when it is asked to, and goes on from it', async () => {
    await using server = await startCompactingServer({ engines: [shared()] });
    using socket = await TestSocket.open(server.url);
    let parent: string | null = null;
    for (let turn = 0; turn < 12; turn++) {
      socket.create({ model, previous_response_id: parent, input: 'Tell me a short story.' });
      parent = (await socket.response()).id;
    }
    socket.create({ model, previous_response_id: parent, input: [trigger] });
    const compacted = await socket.response();
    expect(compacted).toMatchObject({ status: 'completed', output: [{ type: 'compaction' }] });
    expect(compacted.usage?.output_tokens).toBeGreaterThan(0);
    // The model that comes along is too small to be held to what it wrote; what it then reads is short, and kept.
    socket.create({ model, previous_response_id: compacted.id, input: 'What is the capital of France?' });
    const answer = await socket.response();
    expect(answer).toMatchObject({ status: 'completed', output: [{ type: 'message' }] });
    expect(answer.usage?.input_tokens).toBeLessThan((compacted.usage?.input_tokens ?? 0) / 2);
    socket.create({ model, previous_response_id: answer.id, input: 'And of Italy?' });
    const { usage } = await socket.response();
    expect(usage?.input_tokens_details.cached_tokens).toBeGreaterThanOrEqual(answer.usage?.input_tokens ?? Infinity);
  });

  it('counts its context by its own tokens and compacts before it grows over the threshold', async () => {
    await using server = await startCompactingServer({ engines: [shared()] });
    using socket = await TestSocket.open(server.url);
    const context_management = [{ type: 'compaction', compact_threshold: 300 }];
    let parent: string | null = null;
    const inputs: number[] = [];
    let compactions = 0;
    for (let turn = 0; turn < 20; turn++) {
      socket.create({
        model,
        context_management,
        previous_response_id: parent,
        input: 'What is the capital of France?',
      });
      const response = await socket.response();
      parent = response.id;
      inputs.push(response.usage?.input_tokens ?? 0);
      if (response.output[0]?.type === 'compaction') compactions += 1;
    }
    expect(compactions).toBeGreaterThan(0);
    expect(Math.max(...inputs)).toBeLessThanOrEqual(300);
  });

  it('makes a window, and counts tokens exactly as it will evaluate them', async () => {
    await using server = await startCompactingServer({ engines: [shared()] });
    const window = await post(`${server.url}/responses/compact`, { input: 'My name is Anna.' });
    expect(window).toMatchObject({
      object: 'response.compaction',
      output: [{ type: 'message' }, { type: 'compaction' }],
    });
    const input = [...(window['output'] as unknown[]), { role: 'user', content: 'What is my name?' }];
    const { input_tokens: counted } = await post(`${server.url}/responses/input_tokens`, { input });
    const { usage } = await post(`${server.url}/responses`, { input, store: false });
    expect(counted).toBe((usage as { input_tokens: number }).input_tokens);
  });
});

/** An upstream's answer that says `content`, and how many tokens its prompt had. */
const say = (content: string, prompt_tokens: number) =>
  stream(
    { choices: [{ index: 0, delta: { content } }] },
    {
      choices: [{ delta: {}, finish_reason: 'stop' }],
      usage: { prompt_tokens, completion_tokens: 5, total_tokens: 0 },
    },
  );

describe('a chat-completions server', () => {
  it('is told of a compaction as of any message, when its own count says that it is time', async () => {
    const upstream = await startChatServer();
    try {
      const chat = createOpenAIChatEngine({ name: 'chat', baseUrl: upstream.baseUrl }) as Engine;
      await using server = await startCompactingServer({ engines: [chat] });
      using socket = await TestSocket.open(server.url);
      const context_management = [{ type: 'compaction', compact_threshold: 1000 }];
      upstream.answer = say('Hello.', 1200);
      socket.create({ model: 'm', context_management, instructions: 'Be brief.', input: 'Hi.' });
      const first = await socket.response();
      expect(first.output.map(({ type }) => type)).toEqual(['message']);
      upstream.answer = say('We greeted.', 40);
      socket.create({
        model: 'm',
        context_management,
        previous_response_id: first.id,
        instructions: 'Be brief.',
        input: 'Go on.',
      });
      const second = await socket.response();
      expect(second.output.map(({ type }) => type)).toEqual(['compaction', 'message']);
      expect(second.usage?.input_tokens).toBe(40);
      const bodies = upstream.asked.flatMap(({ path, body }) =>
        path.endsWith('/completions') ? [JSON.parse(body)] : [],
      );
      const contents = bodies.map(({ messages }) => (messages as { content: unknown }[]).map(({ content }) => content));
      expect(contents).toHaveLength(3);
      expect(contents[1]).toEqual([
        'Be brief.',
        'Hi.',
        'Hello.',
        'Go on.',
        expect.stringContaining('Write that note.'),
      ]);
      expect(contents[2]).toEqual(['Be brief.', 'Hi.', 'Go on.', expect.stringContaining('We greeted.')]);
    } finally {
      await upstream.close();
    }
  });

  it('cannot count tokens, and says so', async () => {
    const upstream = await startChatServer();
    try {
      const chat = createOpenAIChatEngine({ name: 'chat', baseUrl: upstream.baseUrl }) as Engine;
      await using server = await startCompactingServer({ engines: [chat] });
      const { error } = await post(`${server.url}/responses/input_tokens`, { model: 'm', input: 'Hi.' });
      expect(error).toMatchObject({ code: 'unsupported_value', param: 'model' });
    } finally {
      await upstream.close();
    }
  });
});
