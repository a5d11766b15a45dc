import { describe, expect, it } from 'vitest';
import { createContext } from '../../../src/engine/openai-chat/context.ts';
import { createOpenAIChatEngine } from '../../../src/engine/openai-chat/openai-chat.ts';
import { toRequestBody, type BodyOptions } from '../../../src/engine/openai-chat/request.ts';
import { toToolTable } from '../../../src/engine/chat/tools.ts';
import { toGeneration } from './requests.ts';

const defaults: BodyOptions = { maxTokensField: 'max_tokens', extraFields: {}, omittedFields: [] };

function bodyOf(fields: Record<string, unknown>, options: Partial<BodyOptions> = {}): unknown {
  const request = toGeneration(createContext('r'), fields);
  const buffers = toRequestBody(request, toToolTable(request.preamble.tools), { ...defaults, ...options });
  return JSON.parse(Buffer.concat(buffers).toString());
}

const bare = { model: 'm', stream: true, stream_options: { include_usage: true }, messages: [] };
const tool = { type: 'function', name: 'f', parameters: { type: 'object' }, strict: false };

describe('a request body', () => {
  it('says only what the client said', () => {
    expect(bodyOf({})).toEqual(bare);
    // Counts hosted tools, which nobody runs behind this wire.
    expect(bodyOf({ max_tool_calls: 2 })).toEqual(bare);
  });

  it('carries settings under the names of this wire', () => {
    const fields = {
      temperature: 0,
      top_p: 0.5,
      max_output_tokens: 16,
      reasoning: { effort: 'low' },
      text: { verbosity: 'high' },
      prompt_cache_key: 'k',
      top_logprobs: 2,
    };
    expect(bodyOf(fields)).toEqual({
      ...bare,
      temperature: 0,
      top_p: 0.5,
      max_tokens: 16,
      reasoning_effort: 'low',
      verbosity: 'high',
      prompt_cache_key: 'k',
      logprobs: true,
      top_logprobs: 2,
    });
  });

  it('carries instructions in front of the history', () => {
    expect(bodyOf({ instructions: 'Be "brief".' })).toEqual({
      ...bare,
      messages: [{ role: 'system', content: 'Be "brief".' }],
    });
  });

  it('carries structured outputs', () => {
    const format = { type: 'json_schema', name: 'n', schema: { type: 'object' }, strict: true };
    expect(bodyOf({ text: { format } })).toMatchObject({
      response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' }, strict: true } },
    });
    expect(bodyOf({ text: { format: { type: 'json_object' } } })).toMatchObject({
      response_format: { type: 'json_object' },
    });
    expect(bodyOf({ text: { format: { type: 'text' } } })).not.toHaveProperty('response_format');
  });

  it('carries tools, and nothing about them where there are none', () => {
    expect(bodyOf({ tools: [tool], parallel_tool_calls: false })).toEqual({
      ...bare,
      tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }],
      tool_choice: 'auto',
      parallel_tool_calls: false,
    });
    expect(bodyOf({ tools: [{ type: 'web_search' }], tool_choice: 'auto' })).toEqual(bare);
  });

  it('suits servers that want other names, more or less', () => {
    const options = {
      maxTokensField: 'max_completion_tokens',
      omittedFields: ['stream_options'],
      extraFields: { top_k: 1 },
    } as const;
    expect(bodyOf({ max_output_tokens: 9 }, options)).toEqual({
      model: 'm',
      stream: true,
      max_completion_tokens: 9,
      top_k: 1,
      messages: [],
    });
  });

  it('writes the bytes of the history as they are', () => {
    const engine = createOpenAIChatEngine({ name: 'up', baseUrl: 'http://127.0.0.1:9/v1' });
    const context = engine.extend(null, [{ type: 'message', role: 'user', content: 'Zażółć' }]);
    const buffers = toRequestBody(toGeneration(context, { instructions: 'x' }), new Map(), defaults);
    expect(buffers).toHaveLength(3);
    expect(buffers[1]?.buffer).toBe(context.messages.page?.bytes.buffer);
    expect(JSON.parse(Buffer.concat(buffers).toString())).toMatchObject({
      messages: [{ role: 'system' }, { role: 'user', content: 'Zażółć' }],
    });
  });
});
