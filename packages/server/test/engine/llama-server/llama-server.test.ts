import type { Tool } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import { Interruption } from '../../../src/engine/engine.ts';
import type { Engine, EngineEvent } from '../../../src/engine/engine.ts';
import { createLlamaServerEngine } from '../../../src/engine/llama-server/llama-server.ts';
import type { TokenContext } from '../../../src/engine/token-chain/context.ts';
import { assistant, failureOf, takeTurn, toGenerateRequest, toItems, user, weatherTool } from '../token-chain/turns.ts';
import { decode, encode } from '../token-server/characters.ts';
import { startFakeServer } from './fake-server.ts';
import type { FakeServer } from './fake-server.ts';

interface Setup extends AsyncDisposable {
  readonly server: FakeServer;
  readonly engine: Engine<TokenContext>;
}

async function setUp(slots = 2, contextTokens = 4096): Promise<Setup> {
  const server = await startFakeServer(slots, contextTokens);
  const engine = createLlamaServerEngine({ name: 'upstream', baseUrl: `${server.baseUrl}/v1` });
  return {
    server,
    engine,
    [Symbol.asyncDispose]: async () => {
      await engine.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const prompts = (server: FakeServer): string[] => server.completions.map(({ prompt }) => decode(prompt));

describe('the llama-server engine', () => {
  it('names the model without its path', async () => {
    await using setup = await setUp();
    expect(await setup.engine.models()).toMatchObject([{ id: 'fake', contextTokens: 4096 }]);
  });

  it('sends ids, keeps a chain on its slot, and encodes the delta only', async () => {
    await using setup = await setUp();
    const { engine, server } = setup;
    const first = await takeTurn(engine, null, [user('One.')]);
    expect(first.text).toBe('Hello.');
    server.encoded.length = 0;
    const second = await takeTurn(engine, first.context, [user('Two.')]);
    expect(prompts(server)[1]).toBe(
      '<|im_start|>user\nOne.<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nTwo.<|im_end|>\n<|im_start|>assistant\n',
    );
    expect(server.encoded).toEqual(['<|im_start|>user\nTwo.<|im_end|>\n']);
    expect(server.completions.map((body) => body.id_slot)).toEqual([0, 0]);
    const { inputTokens, outputTokens } = first.usage;
    expect(second.usage).toMatchObject({ cachedTokens: inputTokens + outputTokens, outputTokens });
  });

  it('gives forks slots of their own, copied where the server can', async () => {
    await using setup = await setUp(3);
    const { engine, server } = setup;
    const base = await takeTurn(engine, null, [user('A long beginning that is worth more than a few tokens.')]);
    const known = base.usage.inputTokens + base.usage.outputTokens;
    server.savesSlots = true;
    const left = await takeTurn(engine, base.context, [user('Left.')]);
    const right = await takeTurn(engine, base.context, [user('Right.')]);
    expect([left.usage.cachedTokens, right.usage.cachedTokens]).toEqual([known, expect.any(Number)]);
    expect(right.usage.cachedTokens).toBeGreaterThanOrEqual(known);
    const again = await takeTurn(engine, left.context, [user('Left again.')]);
    expect(again.usage.cachedTokens).toBe(left.usage.inputTokens + left.usage.outputTokens);
    expect(server.completions.map((body) => body.id_slot)).toEqual([0, 0, 1, 0]);
  });

  it('starts a fork over where the server cannot copy, and leaves the other branch warm', async () => {
    await using setup = await setUp(2);
    const { engine } = setup;
    const base = await takeTurn(engine, null, [user('A long beginning that is worth more than a few tokens.')]);
    const left = await takeTurn(engine, base.context, [user('Left.')]);
    expect((await takeTurn(engine, base.context, [user('Right.')])).usage.cachedTokens).toBe(0);
    const again = await takeTurn(engine, left.context, [user('Left again.')]);
    expect(again.usage.cachedTokens).toBe(left.usage.inputTokens + left.usage.outputTokens);
  });

  it('reuses nothing that was evaluated for another project', async () => {
    await using setup = await setUp(1);
    const { engine, server } = setup;
    const question = user('A prompt that two projects happen to send.');
    await takeTurn(engine, null, [question], { project: 'acme' });
    const other = await takeTurn(engine, null, [question], { project: 'other' });
    expect(other.usage.cachedTokens).toBe(0);
    expect(server.completions.map(({ cache_prompt }) => cache_prompt)).toEqual([false, false]);
    const next = await takeTurn(engine, other.context, [user('And?')], { project: 'other' });
    expect(next.usage.cachedTokens).toBe(other.usage.inputTokens + other.usage.outputTokens);
  });

  it('forces a tool of a namespace, and the only one that is allowed', async () => {
    await using setup = await setUp();
    const { engine, server } = setup;
    server.answer = () => '", "arguments": {}}\n</tool_call>';
    const tools: Tool[] = [
      weatherTool,
      { type: 'namespace', name: 'agents', description: '', tools: [{ type: 'function', name: 'spawn' }] },
    ];
    const spawn = { type: 'function', name: 'spawn' } as const;
    const allowed = { type: 'allowed_tools', mode: 'required', tools: [spawn] } as const;
    for (const tool_choice of [spawn, { ...allowed, tools: [spawn] }]) {
      const asked = await takeTurn(engine, null, [user('Go!')], { request: { tools, tool_choice } });
      expect(prompts(server).at(-1)?.endsWith('<tool_call>\n{"name": "agents__spawn')).toBe(true);
      expect(asked.calls).toEqual([{ name: 'spawn', arguments: '{}' }]);
    }
    expect(prompts(server).map((prompt) => prompt.includes('get_weather'))).toEqual([true, false]);
  });

  it('of allowed tools shows no other, and refuses a choice that it cannot keep', async () => {
    await using setup = await setUp();
    const { engine, server } = setup;
    const other: Tool = { type: 'function', name: 'other_tool' };
    const allow = (mode: 'auto' | 'required', ...tools: Record<string, unknown>[]) => ({
      request: { tools: [weatherTool, other], tool_choice: { type: 'allowed_tools' as const, mode, tools } },
    });
    await takeTurn(engine, null, [user('Hi')], allow('auto', { type: 'function', name: 'other_tool' }));
    expect(prompts(server)[0]).toContain('other_tool');
    expect(prompts(server)[0]).not.toContain('get_weather');
    const hosted = { request: { tools: [weatherTool], tool_choice: { type: 'file_search' as const } } };
    for (const options of [allow('required'), allow('auto', { type: 'custom', name: 'other_tool' }), hosted])
      expect((await failureOf(takeTurn(engine, null, [user('Hi')], options))).entry).toBe('unsupported_value');
    expect(server.completions).toHaveLength(1);
  });

  it('finds the ids of characters that took several tokens', async () => {
    await using setup = await setUp();
    const { engine, server } = setup;
    server.answer = () => 'Grüße 🎉!';
    const first = await takeTurn(engine, null, [user('Hi')]);
    expect(first.text).toBe('Grüße 🎉!');
    expect(first.usage.outputTokens).toBe(encode('Grüße 🎉!', false).length);
    const second = await takeTurn(engine, first.context, [user('And?')]);
    expect(server.completions[1]?.prompt).not.toContain(-1);
    expect(second.usage.cachedTokens).toBe(first.usage.inputTokens + first.usage.outputTokens);
  });

  it('holds answers to a schema, and stops where the JSON closes', async () => {
    await using setup = await setUp();
    const { engine, server } = setup;
    server.answer = () => '{"a": 1}\n\n\n\n';
    const schema = { type: 'object', properties: { a: { type: 'integer' } } };
    const text = { format: { type: 'json_schema' as const, name: 'n', schema, strict: true } };
    const turn = await takeTurn(engine, null, [user('Hi')], { request: { text } });
    expect(turn.text).toBe('{"a": 1}');
    expect(server.completions[0]?.json_schema).toEqual(schema);
  });

  it('holds what is said in place of a call to a schema, behind the thoughts', async () => {
    await using setup = await setUp();
    const { engine, server } = setup;
    const asked = server.completions;
    server.answer = () => (asked.length === 1 ? '<think>Grüß 🎉</think>\n\nIt is one.' : '{"a": 1}\n\n\n');
    const schema = { type: 'object', properties: { a: { type: 'integer' } } };
    const text = { format: { type: 'json_schema' as const, name: 'n', schema, strict: true } };
    const request = { text, tools: [weatherTool] };
    const turn = await takeTurn(engine, null, [user('Hi')], { request });
    expect(turn.text).toBe('{"a": 1}');
    expect(asked.map((body) => body.json_schema ?? null)).toEqual([null, schema]);
    const [one, two] = asked;
    const thought = Buffer.from(two?.prompt.slice(one?.prompt.length) ?? []).toString();
    expect(thought).toBe('<think>Grüß 🎉</think>\n\n');
    expect(turn.usage).toMatchObject({ cachedTokens: 0, outputTokens: encode(`${thought}{"a": 1}`, false).length });
    const next = await takeTurn(engine, turn.context, [user('And?')], { request: { tools: [weatherTool] } });
    expect(next.usage.cachedTokens).toBe(turn.usage.inputTokens + turn.usage.outputTokens);
    const call = '<tool_call>\n{"name": "get_weather", "arguments": {}}\n</tool_call>';
    server.answer = () => call;
    expect((await takeTurn(engine, null, [user('Hi')], { request })).calls).toHaveLength(1);
    expect(asked.at(-1)).not.toHaveProperty('json_schema');
  });

  it('sends only the settings that the client gave', async () => {
    await using setup = await setUp();
    const { engine, server } = setup;
    await takeTurn(engine, null, [user('Hi')]);
    await takeTurn(engine, null, [user('Hi')], { request: { temperature: 0, max_output_tokens: 3 } });
    expect(server.completions[0]).not.toHaveProperty('temperature');
    expect(server.completions[1]).toMatchObject({ temperature: 0, n_predict: 3 });
  });

  it('cuts an answer at max_output_tokens, and goes on from there', async () => {
    await using setup = await setUp();
    const { engine } = setup;
    const cut = await takeTurn(engine, null, [user('Hi')], { request: { max_output_tokens: 3 } });
    expect(cut).toMatchObject({ text: 'Hel', reason: 'max_output_tokens', usage: { outputTokens: 3 } });
    const next = await takeTurn(engine, cut.context, [user('More.')]);
    expect(next.usage.cachedTokens).toBe(cut.usage.inputTokens + 3);
  });

  it('warms a prompt, and the turn finds it', async () => {
    await using setup = await setUp();
    const { engine, server } = setup;
    const context = engine.extend(null, [user('A prompt to be evaluated ahead.')]);
    const request = toGenerateRequest(context);
    const usage = await engine.warm?.(request, new AbortController().signal);
    expect(usage).toMatchObject({ cachedTokens: 0, outputTokens: 0 });
    const turn = await takeTurn(engine, context, [user('Now.')]);
    expect(turn.usage.cachedTokens).toBeGreaterThanOrEqual((usage?.inputTokens ?? 0) - 1);
    expect(server.completions.map((body) => body.n_predict > 0)).toEqual([false, true]);
  });
});

describe('an end before the end', () => {
  /** Reads a generation until some characters are there, then aborts it. */
  async function abortAfter(
    setup: Setup,
    context: TokenContext,
    length: number,
    reason: Error,
  ): Promise<EngineEvent[]> {
    const abort = new AbortController();
    const forever = Promise.withResolvers<void>();
    setup.server.pace = (index) => (index === length ? forever.promise : undefined);
    abort.signal.addEventListener('abort', () => (setup.server.pace = () => undefined));
    const events: EngineEvent[] = [];
    let said = 0;
    for await (const batch of setup.engine.generate(toGenerateRequest(context), abort.signal)) {
      events.push(...batch);
      for (const event of batch) if (event.type === 'text.delta') said += event.delta.length;
      if (said === length && !abort.signal.aborted) abort.abort(reason);
    }
    return events;
  }

  it('by an interruption tells the counts, and the chain goes on from what was said', async () => {
    await using setup = await setUp();
    const { engine, server } = setup;
    server.answer = () => 'A long story.';
    const context = engine.extend(null, [user('Hi')]);
    const events = await abortAfter(setup, context, 6, new Interruption());
    const end = events.at(-1);
    if (end?.type !== 'end') throw new Error('An end was expected.');
    expect(end.usage.outputTokens).toBe(6);
    const next = await takeTurn(engine, engine.extend(context, toItems(events)), [user('Stop.')]);
    expect(prompts(server).at(-1)).toContain('assistant\nA long<|im_end|>\n<|im_start|>user\nStop.');
    expect(next.usage.cachedTokens).toBeGreaterThanOrEqual(end.usage.inputTokens + 6);
  });
});

describe('a server that fails', () => {
  it('may come back with another model: chains are encoded again', async () => {
    await using setup = await setUp();
    const { engine, server } = setup;
    const first = await takeTurn(engine, null, [user('One.')]);
    server.refuse = { status: 500, body: { error: { code: 500, message: 'crashed', type: 'server_error' } } };
    await failureOf(takeTurn(engine, first.context, [user('Two.')]));
    server.refuse = null;
    server.modelPath = '/models/other.gguf';
    server.chatTemplate = `{%- for m in messages %}{{- '<|im_start|>' + m.role + ': ' + m.content + '<|im_end|>' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant: ' }}{%- endif %}`;
    await takeTurn(engine, first.context, [user('Two.')]);
    expect(prompts(server).at(-1)).toBe(
      '<|im_start|>user: One.<|im_end|><|im_start|>assistant: Hello.<|im_end|><|im_start|>user: Two.<|im_end|><|im_start|>assistant: ',
    );
  });

  it('cannot be reached', async () => {
    const engine = createLlamaServerEngine({ name: 'gone', baseUrl: 'http://127.0.0.1:9' });
    expect((await failureOf(takeTurn(engine, null, [user('Hi'), assistant('x')]))).code).toBe('engine_unavailable');
    await engine.close();
  });
});
