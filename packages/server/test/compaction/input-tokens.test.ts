import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { createEchoEngine } from '../echo-engine.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { startCompactingServer } from './world.ts';

/** Items, tools and instructions: one token each. */
const count: NonNullable<Engine['count']> = (request) => {
  const { items } = request.context as { items: readonly unknown[] };
  return Promise.resolve(items.length + request.preamble.tools.length + (request.preamble.instructions ? 1 : 0));
};

function countingEngine(): { engine: Engine; released: () => number } {
  const { engine, calls } = createEchoEngine();
  return { engine: { ...engine, count }, released: () => calls.filter(({ kind }) => kind === 'release').length };
}

describe('POST /v1/responses/input_tokens', () => {
  it('counts what the engine would evaluate, and keeps nothing', async () => {
    const { engine, released } = countingEngine();
    await using server = await startCompactingServer({ engines: [engine] });
    const client = new OpenAI({ baseURL: server.url, apiKey: 'unused', maxRetries: 0 });
    const model = 'test-model';
    expect(await client.responses.inputTokens.count({ model, input: 'Hi.' })).toEqual({
      object: 'response.input_tokens',
      input_tokens: 1,
    });
    const { id } = await client.responses.create({ model, input: 'Hi.' });
    const before = released();
    const tools: OpenAI.Responses.Tool[] = [{ type: 'function', name: 'look', parameters: {}, strict: false }];
    const counted = await client.responses.inputTokens.count({
      model,
      previous_response_id: id,
      instructions: 'Be brief.',
      input: 'And?',
      tools,
    });
    expect(counted.input_tokens).toBe(5);
    expect(released()).toBe(before + 1);
  });

  it('counts a call that has no output yet', async () => {
    const { engine } = countingEngine();
    await using server = await startCompactingServer({ engines: [engine] });
    const client = new OpenAI({ baseURL: server.url, apiKey: 'unused', maxRetries: 0 });
    const input: OpenAI.Responses.ResponseInput = [
      { type: 'function_call', call_id: 'c', name: 'look', arguments: '{}' },
    ];
    expect((await client.responses.inputTokens.count({ model: 'test-model', input })).input_tokens).toBe(1);
  });

  it('is a clear error where the engine cannot count', async () => {
    const { engine } = createEchoEngine();
    await using server = await startCompactingServer({ engines: [engine] });
    const client = new OpenAI({ baseURL: server.url, apiKey: 'unused', maxRetries: 0 });
    await expect(client.responses.inputTokens.count({ model: 'test-model', input: 'Hi.' })).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_value',
      param: 'model',
    });
  });
});
