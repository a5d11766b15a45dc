import { ProtocolError, type Item } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { createAISDKEngine, type AISDKOptions } from '../../../src/engine/ai-sdk/ai-sdk.ts';
import { startTestServer, TestSocket } from '../../harness.ts';
import { tell, textOf, toGeneration } from '../openai-responses/chain.ts';
import { finish, installProvider, saying, type ProviderFolder } from './provider-folder.ts';

function createEngine(folder: ProviderFolder, options: Partial<AISDKOptions> = {}) {
  return createAISDKEngine({
    engineName: 'fake',
    name: 'fake-provider',
    settings: { apiKey: 'sk-fake' },
    folder: folder.path,
    models: ['test-model'],
    ...options,
  });
}

async function failure(promise: Promise<unknown>): Promise<ProtocolError> {
  const error = await promise.then(
    () => new Error('It succeeded.'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ProtocolError) return error;
  throw error;
}

const weather = { type: 'function', name: 'weather', parameters: { type: 'object', properties: {} }, strict: true };

describe('a provider package', () => {
  it('is found in the folder, created with its settings, and serves the models that were named', async () => {
    await using folder = await installProvider();
    const engine = await createEngine(folder);
    expect(folder.settings()).toEqual({ apiKey: 'sk-fake' });
    expect((await engine.models()).map(({ id, ownedBy }) => [id, ownedBy])).toEqual([['test-model', 'fake']]);
  });

  it.each<[string, Partial<AISDKOptions>, string]>([
    [
      'missing',
      { name: 'no-such-provider' },
      'The provider package no-such-provider is not installed. Run "npm install',
    ],
    ['not a provider', { name: 'plain' }, 'The package plain exports no create… function: it is no provider'],
    [
      'several creators',
      { name: 'twins' },
      'exports createOne, createTwo: name one of them with the setting "export".',
    ],
    ['an unknown export', { exportName: 'createReal' }, 'The package fake-provider exports no function createReal'],
    ['an old one', { models: ['old'] }, 'speaks version v3 of the provider specification, not v4'],
    ['broken', { name: 'broken' }, 'The provider package broken cannot be loaded: Oh no.'],
  ])('that is %s is refused in one sentence', async (_what, options, message) => {
    await using folder = await installProvider({
      plain: 'export const answer = 42;',
      twins: 'export const createOne = () => {}, createTwo = () => {};',
      broken: 'throw new Error("Oh no.");',
    });
    await expect(createEngine(folder, options)).rejects.toThrow(message);
  });
});

describe('a chain', () => {
  it('is told as a prompt, each item once', async () => {
    await using folder = await installProvider();
    const engine = await createEngine(folder);
    const first = await tell(engine, null, 'One.', { instructions: 'Be brief.' });
    const second = await tell(engine, first.context, 'Two.');
    expect(textOf(second.events)).toBe('Hello.');
    expect(second.events.at(-1)).toEqual({
      type: 'end',
      reason: 'stop',
      usage: { inputTokens: 12, cachedTokens: 5, outputTokens: 7, reasoningTokens: 3 },
    });
    const one = { role: 'user', content: [{ type: 'text', text: 'One.' }] };
    expect(folder.calls[0]?.prompt).toEqual([{ role: 'system', content: 'Be brief.' }, one]);
    expect(folder.calls[1]?.prompt).toEqual([
      one,
      { role: 'assistant', content: [{ type: 'text', text: 'Hello.' }] },
      { role: 'user', content: [{ type: 'text', text: 'Two.' }] },
    ]);
    // The very same objects: nothing of an earlier turn is converted again.
    expect(folder.calls[1]?.prompt[0]).toBe(folder.calls[0]?.prompt[1]);
  });

  it('forks', async () => {
    await using folder = await installProvider();
    const engine = await createEngine(folder);
    const root = await tell(engine, null, 'Root.');
    const left = await tell(engine, root.context, 'Left.');
    await tell(engine, root.context, 'Right.');
    await tell(engine, left.context, 'On.');
    const said = folder.calls.map(({ prompt }) =>
      prompt.flatMap((message) =>
        message.role === 'user' ? message.content.map((part) => 'text' in part && part.text) : [],
      ),
    );
    expect(said).toEqual([['Root.'], ['Root.', 'Left.'], ['Root.', 'Right.'], ['Root.', 'Left.', 'On.']]);
  });

  it.each(['system', 'user'] as const)('tells the developer late as %s', async (lateSystemRole) => {
    await using folder = await installProvider();
    const engine = await createEngine(folder, { lateSystemRole });
    const developer = (content: string): Item => ({ type: 'message', role: 'developer', content });
    const user: Item = { type: 'message', role: 'user', content: 'Hi.' };
    const first = await tell(engine, null, [developer('First.'), user]);
    await tell(engine, first.context, [developer('Late.')], { instructions: 'Before.' });
    const roles = folder.calls[1]?.prompt.map(({ role }) => role);
    expect(roles).toEqual(['system', 'system', 'user', 'assistant', lateSystemRole]);
  });

  it('carries pictures and tool outputs', async () => {
    await using folder = await installProvider();
    const engine = await createEngine(folder);
    const input: Item[] = [
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: 'What is this?' },
          { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' },
          { type: 'input_image', image_url: 'https://example.com/x.png', detail: 'auto' },
        ],
      },
      { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"city":"Oslo"}' },
      { type: 'function_call_output', call_id: 'c1', output: 'Rain.' },
    ];
    await tell(engine, null, input);
    expect(folder.calls[0]?.prompt).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'file', data: { type: 'data', data: 'AAAA' }, mediaType: 'image/png' },
          { type: 'file', data: { type: 'url', url: new URL('https://example.com/x.png') }, mediaType: 'image' },
        ],
      },
      {
        role: 'assistant',
        content: [{ type: 'tool-call', toolCallId: 'c1', toolName: 'weather', input: { city: 'Oslo' } }],
      },
      {
        role: 'tool',
        content: [
          { type: 'tool-result', toolCallId: 'c1', toolName: 'weather', output: { type: 'text', value: 'Rain.' } },
        ],
      },
    ]);
  });

  it('gives signed reasoning back with the call that followed it', async () => {
    await using folder = await installProvider();
    const engine = await createEngine(folder);
    const signature = { fake: { signature: 'SIGNED' } };
    folder.answer = () => [
      { type: 'reasoning-start', id: 'r' },
      { type: 'reasoning-delta', id: 'r', delta: 'Let me ' },
      { type: 'reasoning-delta', id: 'r', delta: 'look.' },
      { type: 'reasoning-end', id: 'r', providerMetadata: signature },
      { type: 'tool-input-start', id: 'c1', toolName: 'weather' },
      { type: 'tool-input-delta', id: 'c1', delta: '{"city":' },
      { type: 'tool-input-delta', id: 'c1', delta: '"Oslo"}' },
      { type: 'tool-input-end', id: 'c1' },
      { type: 'tool-call', toolCallId: 'c1', toolName: 'weather', input: '{"city":"Oslo"}' },
      finish('tool-calls'),
    ];
    const called = await tell(engine, null, 'Weather?', { tools: [weather] });
    expect(called.output).toMatchObject([
      { type: 'reasoning', content: [{ text: 'Let me look.' }] },
      { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"city":"Oslo"}' },
    ]);
    folder.answer = () => saying('Rain.');
    await tell(engine, called.context, [{ type: 'function_call_output', call_id: 'c1', output: 'Rain.' }]);
    expect(folder.calls[1]?.prompt.slice(1)).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'Let me look.', providerOptions: signature },
          { type: 'tool-call', toolCallId: 'c1', toolName: 'weather', input: { city: 'Oslo' } },
        ],
      },
      {
        role: 'tool',
        content: [
          { type: 'tool-result', toolCallId: 'c1', toolName: 'weather', output: { type: 'text', value: 'Rain.' } },
        ],
      },
    ]);
  });
});

describe('a call', () => {
  it('is the only one where the client wants no more', async () => {
    await using folder = await installProvider();
    const engine = await createEngine(folder);
    folder.answer = () => [
      { type: 'tool-call', toolCallId: 'c1', toolName: 'weather', input: '{}' },
      { type: 'tool-call', toolCallId: 'c2', toolName: 'weather', input: '{}' },
      finish('tool-calls'),
    ];
    const called = await tell(engine, null, 'Weather?', { tools: [weather], parallel_tool_calls: false });
    expect(called.output).toMatchObject([{ type: 'function_call', call_id: 'c1' }]);
    expect(called.output).toHaveLength(1);
  });

  it('asks for what the client asked for, and for nothing else', async () => {
    await using folder = await installProvider();
    const engine = await createEngine(folder, { providerOptions: { fake: { cache: true } } });
    await tell(engine, null, 'Hi.');
    expect(Object.keys(folder.calls[0] ?? {}).toSorted()).toEqual(['abortSignal', 'prompt', 'providerOptions']);
    const schema = { type: 'object', properties: {}, additionalProperties: false };
    await tell(engine, null, 'Hi.', {
      max_output_tokens: 9,
      temperature: 0.5,
      top_p: 0.9,
      reasoning: { effort: 'high' },
      tools: [weather],
      tool_choice: { type: 'function', name: 'weather' },
      text: { format: { type: 'json_schema', name: 'answer', schema } },
    });
    expect(folder.calls[1]).toMatchObject({
      maxOutputTokens: 9,
      temperature: 0.5,
      topP: 0.9,
      reasoning: 'high',
      tools: [{ type: 'function', name: 'weather', inputSchema: { type: 'object' }, strict: true }],
      toolChoice: { type: 'tool', toolName: 'weather' },
      responseFormat: { type: 'json', name: 'answer', schema },
      providerOptions: { fake: { cache: true } },
    });
  });

  it('gives free-text tools back as what they are, streamed or whole', async () => {
    await using folder = await installProvider();
    const engine = await createEngine(folder);
    const patch = { type: 'custom', name: 'patch' };
    folder.answer = () => [
      { type: 'tool-call', toolCallId: 'c1', toolName: 'patch', input: '{"input":"+a\\n"}' },
      finish('tool-calls'),
    ];
    const { output } = await tell(engine, null, 'Patch.', { tools: [patch] });
    expect(output).toMatchObject([{ type: 'custom_tool_call', call_id: 'c1', name: 'patch', input: '+a\n' }]);
  });

  it('refuses log probabilities', async () => {
    await using folder = await installProvider();
    const engine = await createEngine(folder);
    const error = await failure(tell(engine, null, 'Hi.', { top_logprobs: 2 }));
    expect([error.entry, error.param]).toEqual(['unsupported_parameter', 'top_logprobs']);
    expect(folder.calls).toHaveLength(0);
  });

  it.each([
    ['length', 'max_output_tokens'],
    ['content-filter', 'content_filter'],
    ['tool-calls', 'stop'],
  ])('that ends with %s ends with %s', async (unified, reason) => {
    await using folder = await installProvider();
    folder.answer = () => [finish(unified)];
    const { events } = await tell(await createEngine(folder), null, 'Hi.');
    expect(events.at(-1)).toMatchObject({ type: 'end', reason });
  });

  it('that is aborted ends, whether or not the provider listens', async () => {
    await using folder = await installProvider();
    const engine = await createEngine(folder);
    const closed = Promise.withResolvers<void>();
    folder.answer = async function* () {
      try {
        yield { type: 'text-delta', id: '0', delta: 'So' };
        await new Promise(() => {});
      } finally {
        closed.resolve();
      }
    };
    const abort = new AbortController();
    const events = engine.generate(toGeneration(engine, null, 'Hi.'), abort.signal)[Symbol.asyncIterator]();
    await events.next();
    const next = events.next();
    abort.abort(new Error('gone'));
    await expect(next).rejects.toThrow('gone');

    folder.answer = () => new Promise(() => {}) as never;
    const later = new AbortController();
    const silent = tell(engine, null, 'Hi.', {}, later.signal);
    later.abort(new Error('gone too'));
    await expect(silent).rejects.toThrow('gone too');
  });
});

describe('a failure', () => {
  class Fault extends Error {
    constructor(name: string, fields: object = {}) {
      super('The key sk-fake is bad.');
      this.name = name;
      Object.assign(this, fields);
    }
  }

  it.each<[string, unknown, string]>([
    [
      '429',
      new Fault('AI_APICallError', { statusCode: 429, responseHeaders: { 'retry-after': '3' } }),
      'rate_limit_exceeded',
    ],
    ['401', new Fault('AI_APICallError', { statusCode: 401 }), 'engine_unavailable'],
    ['400', new Fault('AI_APICallError', { statusCode: 400 }), 'invalid_request'],
    ['unsupported', new Fault('AI_UnsupportedFunctionalityError'), 'invalid_request'],
    ['no key', new Fault('AI_LoadAPIKeyError'), 'engine_unavailable'],
    ['no model', new Fault('AI_NoSuchModelError'), 'model_not_found'],
    ['no network', new TypeError('fetch failed'), 'engine_unavailable'],
  ])('%s is told in the words of the catalogue, without the key', async (_what, thrown, entry) => {
    await using folder = await installProvider();
    folder.answer = () => {
      throw thrown;
    };
    const error = await failure(tell(await createEngine(folder), null, 'Hi.'));
    expect(error.entry).toBe(entry);
    expect(error.message).not.toContain('sk-fake');
  });

  it('inside the stream fails the turn', async () => {
    await using folder = await installProvider();
    const engine = await createEngine(folder);
    folder.answer = () => [
      { type: 'text-delta', id: '0', delta: 'So' },
      { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
    ];
    expect((await failure(tell(engine, null, 'Hi.'))).entry).toBe('engine_unavailable');
    folder.answer = () => [{ type: 'text-delta', id: '0', delta: 'So' }];
    expect((await failure(tell(engine, null, 'Hi.'))).message).toBe("The engine 'fake' ended its answer too early.");
  });
});

it('serves the socket like any engine', async () => {
  await using folder = await installProvider();
  await using server = await startTestServer({ engines: [await createEngine(folder)] });
  using socket = await TestSocket.open(server.url);
  socket.create({ input: 'One.' });
  const first = await socket.response();
  socket.create({ input: 'Two.', previous_response_id: first.id });
  const second = await socket.response();
  expect(second.status).toBe('completed');
  expect(second.usage).toMatchObject({ input_tokens: 12, input_tokens_details: { cached_tokens: 5 } });
  expect(folder.calls[1]?.prompt).toHaveLength(3);
});
