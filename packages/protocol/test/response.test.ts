import { describe, expect, test } from 'vitest';
import { createResponse, createUsage, parseCreateRequest, resolveSettings } from '../src/index.ts';

const resolve = (body: Record<string, unknown>) => resolveSettings(parseCreateRequest(body, 'http'));

describe('settings', () => {
  test('echo what was asked for', () => {
    const asked = {
      instructions: 'Be brief.',
      previous_response_id: 'resp_0',
      temperature: 0,
      top_p: 0.5,
      store: false,
      parallel_tool_calls: false,
      max_output_tokens: 16,
      service_tier: 'fast',
      tool_choice: 'none',
      truncation: 'auto',
      metadata: { a: 'b' },
      user: 'u',
    };
    expect(resolve(asked)).toMatchObject(asked);
  });

  test('fill in what was left out of an object, and keep what is newer than we are', () => {
    expect(resolve({ reasoning: { effort: 'low', context: 'all_turns' } }).reasoning).toEqual({
      effort: 'low',
      summary: null,
      context: 'all_turns',
    });
    expect(resolve({ text: { verbosity: 'low', novelty: 1 } }).text).toEqual({
      format: { type: 'text' },
      verbosity: 'low',
      novelty: 1,
    });
    expect(resolve({ text: { format: { type: 'json_object' }, verbosity: null } }).text).toEqual({
      format: { type: 'json_object' },
      verbosity: 'medium',
    });
  });

  test('echo functions whole, other tools as they came', () => {
    const tools = [
      { name: 'f', type: 'function', async: true },
      { type: 'slug:novelty', a: 1 },
    ];
    expect(JSON.stringify(resolve({ tools }).tools)).toBe(
      '[{"type":"function","description":null,"name":"f","parameters":null,"strict":null,"async":true},{"type":"slug:novelty","a":1}]',
    );
  });

  test('echo newer fields, null where they are not set', () => {
    const plain = createResponse({ id: 'resp_1', createdAt: 1, model: 'm', settings: resolve({}) });
    expect(plain).toMatchObject({ conversation: null, prompt: null, moderation: null, access_programs: null });
    const settings = resolve({
      conversation: 'conv_1',
      prompt: { id: 'pmpt_1' },
      prompt_cache_options: { prewarm: true, ttl: '12h' },
    });
    const response = createResponse({ id: 'resp_1', createdAt: 1, model: 'm', settings, status: 'queued' });
    expect(response).toMatchObject({
      status: 'queued',
      conversation: { id: 'conv_1' },
      prompt: { id: 'pmpt_1' },
      prompt_cache_options: { mode: 'implicit', ttl: '12h' },
    });
    expect(response.prompt_cache_options).not.toHaveProperty('prewarm');
    expect(Object.keys(response)).toEqual(Object.keys(plain));
  });
});

test('usage adds up, and counts what was evaluated anew as written to the cache', () => {
  expect(createUsage({ inputTokens: 46, cachedTokens: 40, outputTokens: 15, reasoningTokens: 5 })).toEqual({
    input_tokens: 46,
    input_tokens_details: { cached_tokens: 40, cache_write_tokens: 6 },
    output_tokens: 15,
    output_tokens_details: { reasoning_tokens: 5 },
    total_tokens: 61,
  });
});
