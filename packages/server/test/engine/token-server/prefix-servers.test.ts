/** vLLM and SGLang: what holds for both, beside what holds for all servers that take token ids. */
import type { Tool } from '@longwire/protocol';
import { describe, expect, it } from 'vitest';
import type { EngineEvent, EngineUsage } from '../../../src/engine/engine.ts';
import { failureOf, takeTurn, toGenerateRequest, user, weatherTool } from '../token-chain/turns.ts';
import { encode } from './characters.ts';
import { blockIds } from './fake-prefix-server.ts';
import { prefixKinds, setUp } from './kinds.ts';

describe.each(Object.entries(prefixKinds))('the %s engine', (_, kind) => {
  it('finds what it said the turn before, up to a block', async () => {
    await using setup = await setUp(kind);
    const first = await takeTurn(setup.engine, null, [user('One.')]);
    const second = await takeTurn(setup.engine, first.context, [user('Two.')]);
    const known = first.usage.inputTokens + first.usage.outputTokens;
    expect(second.usage.cachedTokens).toBe(known - (known % blockIds));
  });

  it('lets the server keep the caches of projects apart, without telling their names', async () => {
    await using setup = await setUp(kind);
    const { engine, server } = setup;
    for (const project of ['acme', 'acme', 'other']) await takeTurn(engine, null, [user('Hi')], { project });
    const salts = server.asked.map((body) => body['cache_salt'] ?? body['extra_key']);
    expect(salts).toEqual([expect.stringMatching(/^[\w-]{43}$/), salts[0], expect.stringMatching(/^[\w-]{43}$/)]);
    expect(salts[2]).not.toBe(salts[0]);
  });

  it('lets forks share what they have in common', async () => {
    await using setup = await setUp(kind);
    const { engine } = setup;
    const base = await takeTurn(engine, null, [user('A beginning.')]);
    const known = base.usage.inputTokens + base.usage.outputTokens;
    for (const text of ['Left.', 'Right.']) {
      const turn = await takeTurn(engine, base.context, [user(text)]);
      expect(turn.usage.cachedTokens).toBeGreaterThan(known - blockIds);
    }
  });

  it.each([1, 3])('takes ids %i at a time, characters of several ids among them', async (idsPerRead) => {
    await using setup = await setUp(kind);
    const { engine, server } = setup;
    server.idsPerRead = idsPerRead;
    server.answer = () => 'Grüße 🎉!';
    const first = await takeTurn(engine, null, [user('Hi')]);
    expect(first.text).toBe('Grüße 🎉!');
    expect(first.usage.outputTokens).toBe(encode('Grüße 🎉!', false).length);
    await takeTurn(engine, first.context, [user('And?')]);
    const [one = [], two = []] = setup.prompts();
    expect(two.slice(one.length)).toEqual(
      encode('Grüße 🎉!<|im_end|>\n<|im_start|>user\nAnd?<|im_end|>\n<|im_start|>assistant\n', true),
    );
  });

  it('sends only the settings that the client gave', async () => {
    await using setup = await setUp(kind);
    const { engine, server } = setup;
    await takeTurn(engine, null, [user('Hi')]);
    const cut = await takeTurn(engine, null, [user('Hi')], { request: { temperature: 0, max_output_tokens: 3 } });
    expect(JSON.stringify(server.asked[0])).not.toMatch(/temperature|top_p|seed|schema|logprob/);
    expect(JSON.stringify(server.asked[1])).toContain('"temperature":0');
    expect(cut).toMatchObject({ text: 'Hel', reason: 'max_output_tokens', usage: { outputTokens: 3 } });
  });

  it('warms a prompt, tells what of it was warm, and the turn finds it', async () => {
    await using setup = await setUp(kind);
    const { engine, server } = setup;
    const context = engine.extend(null, [user('A prompt to be evaluated ahead.')]);
    const warm = (): Promise<EngineUsage> | undefined =>
      engine.warm?.(toGenerateRequest(context), new AbortController().signal);
    const first = await warm();
    expect(first).toMatchObject({ cachedTokens: 0, outputTokens: 0 });
    expect(server.asked).toHaveLength(1);
    const evaluated = first?.inputTokens ?? 0;
    const known = evaluated - 1 - ((evaluated - 1) % blockIds);
    expect(await warm()).toEqual({ ...first, cachedTokens: known });
    const turn = await takeTurn(engine, context, [user('Now.')]);
    expect(turn.usage.cachedTokens).toBeGreaterThanOrEqual(known);
  });

  it('stops a warm-up that nobody waits for, and lets one that fails pass', async () => {
    await using setup = await setUp(kind);
    const { engine, server } = setup;
    const request = toGenerateRequest(engine.extend(null, [user('Hi')]));
    server.refuse = { status: 503, body: { error: { message: 'busy', type: 'ServiceUnavailable', code: 503 } } };
    expect(await engine.warm?.(request, new AbortController().signal)).toMatchObject({ cachedTokens: 0 });
    server.refuse = null;
    const forever = Promise.withResolvers<void>();
    server.pace = () => forever.promise;
    const abort = new AbortController();
    const warmed = engine.warm?.(request, abort.signal);
    await expect.poll(() => server.asked.length).toBe(1);
    abort.abort(new Error('enough'));
    await expect(warmed).rejects.toThrow('enough');
    await expect.poll(() => server.left.count).toBe(1);
    forever.resolve();
  });

  it.each([1, 3])('goes on behind thoughts by a schema, %i ids at a time', async (idsPerRead) => {
    await using setup = await setUp(kind);
    const { engine, server } = setup;
    server.idsPerRead = idsPerRead;
    server.answer = () => (server.asked.length === 1 ? '<think>Hm. 🎉</think>\n\nIt is one.' : '{"a": 1}');
    const text = { format: { type: 'json_object' as const } };
    const request = { tools: [weatherTool], text };
    const events: EngineEvent[] = [];
    const turn = await takeTurn(engine, null, [user('Hi')], { request, onEvents: (batch) => events.push(...batch) });
    expect(turn.text).toBe('{"a": 1}');
    const thoughts = events.map((event) => (event.type === 'reasoning.delta' ? event.delta : ''));
    expect(thoughts.join('')).toBe('Hm. 🎉');
    const [one = [], two = []] = setup.prompts();
    // What several ids said at once is taken back as a whole.
    const thought = Buffer.from(two.slice(one.length)).toString();
    expect(thought).toMatch(idsPerRead === 1 ? /^<think>Hm. 🎉<\/think>\n*$/ : /^(<think>Hm. 🎉<\/think>\n*)?$/);
    expect(turn.usage.outputTokens).toBe(two.length - one.length + encode('{"a": 1}', false).length);
  });

  it('holds to a schema what was too short to be told from a call', async () => {
    await using setup = await setUp(kind);
    const { engine, server } = setup;
    server.answer = () => (server.asked.length === 1 ? '<tool' : '{"a": 1}');
    const text = { format: { type: 'json_object' as const } };
    const turn = await takeTurn(engine, null, [user('Hi')], { request: { tools: [weatherTool], text } });
    expect(turn).toMatchObject({ text: '{"a": 1}', calls: [], reason: 'stop' });
  });

  it.each([
    ['another colour', 'blue"}'],
    ['half a colour', 're"}'],
    ['a colour, and goes on', 'red"}}\n</tool_call>'],
    ['a colour, and does not close it', 'red'],
  ])('fails where a server takes no notice of a grammar, and says %s', async (_, said) => {
    await using setup = await setUp(kind);
    const { engine, server } = setup;
    const format = { type: 'grammar', syntax: 'regex', definition: 'red|green' } as const;
    const tools: Tool[] = [{ type: 'custom', name: 'paint', format }];
    server.idsPerRead = 64;
    server.answer = () => (server.asked.length === 1 ? '<tool_call>\n{"name": "paint", "arguments": {' : said);
    const error = await failureOf(takeTurn(engine, null, [user('Paint.')], { request: { tools } }));
    expect(error.code).toBe('engine_unavailable');
    expect(error.message).toContain("took no notice of a tool's grammar");
  });

  it('tells the failure that stands in place of an event', async () => {
    await using setup = await setUp(kind);
    const { engine, server } = setup;
    server.breakWith = { error: { message: 'CUDA error', type: 'InternalServerError', code: 500 } };
    expect((await failureOf(takeTurn(engine, null, [user('Hi')]))).code).toBe('engine_unavailable');
    server.breakWith = null;
    expect((await takeTurn(engine, null, [user('Hi')])).text).toBe('Hello.');
  });
});
