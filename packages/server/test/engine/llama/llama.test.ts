import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CustomTool, Item, ProtocolError, Tool } from '@longwire/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, TokenLogprob } from '../../../src/engine/engine.ts';
import type { TokenContext } from '../../../src/engine/token-chain/context.ts';
import { tinyDemo } from '../../../src/engine/llama/demo.ts';
import { createLlamaEngine } from '../../../src/engine/llama/llama.ts';
import type { LlamaEngineOptions } from '../../../src/engine/llama/llama.ts';
import { applyPatch, execSource } from '../grammar/grammars.ts';
import {
  assistant,
  developer,
  failureOf,
  output,
  takeTurn,
  toGenerateRequest,
  user,
  weatherTool,
} from '../token-chain/turns.ts';
import type { Turn, TurnOptions } from '../token-chain/turns.ts';

const sequenceBytes = 1024 * 3072;
const temporary: Engine<TokenContext>[] = [];

/** The demo model with room for some sequences of 1,024 tokens. */
async function createEngine(
  sequences: number,
  options: Partial<LlamaEngineOptions> = {},
): Promise<Engine<TokenContext>> {
  const engine = await createLlamaEngine({
    ...tinyDemo,
    contextTokens: 1024,
    memoryBudgetBytes: sequences * sequenceBytes,
    threads: 1,
    ...options,
  });
  temporary.push(engine);
  return engine;
}

/** Throws its memory away after every turn: what it says is what a first evaluation says. */
let scratch: Engine<TokenContext>;
let engine: Engine<TokenContext>;

beforeAll(async () => {
  engine = await createEngine(6);
  scratch = await createEngine(1);
  temporary.length = 0;
});
afterEach(async () => {
  for (const each of temporary.splice(0)) await each.close();
});
afterAll(async () => {
  await engine.close();
  await scratch.close();
});

/** A turn, checked against the same turn without anything kept. */
async function checkedTurn(
  parent: TokenContext | null,
  input: readonly Item[],
  options: TurnOptions = {},
): Promise<Turn> {
  const turn = await takeTurn(engine, parent, input, options);
  await takeTurn(scratch, null, [user('Hello!')], { request: { instructions: '#', max_output_tokens: 1 } });
  const fresh = await takeTurn(scratch, parent, input, options);
  expect(fresh.usage.cachedTokens).toBeLessThan(8);
  expect({ items: turn.items, reason: turn.reason }).toEqual({ items: fresh.items, reason: fresh.reason });
  expect(turn.usage.inputTokens).toBe(fresh.usage.inputTokens);
  return turn;
}

async function codeOf(failing: Promise<unknown>): Promise<string | null> {
  return (await failureOf(failing)).code;
}

describe('a chain', () => {
  it('remembers, and evaluates only what is new', async () => {
    const first = await checkedTurn(null, [user('My name is Ada.')]);
    expect(first.text).toContain('Ada');
    expect(first.reason).toBe('stop');
    expect(first.usage.cachedTokens).toBeLessThan(8);
    const second = await checkedTurn(first.context, [user('What is my name?')]);
    expect(second.text).toBe('Your name is Ada.');
    expect(second.usage.cachedTokens).toBe(first.usage.inputTokens + first.usage.outputTokens);
    const third = await checkedTurn(second.context, [user('What is the capital of Japan?')]);
    expect(third.text).toContain('Tokyo');
    expect(third.usage.cachedTokens).toBe(second.usage.inputTokens + second.usage.outputTokens);
  });

  it('forks, and both branches keep what they know', async () => {
    const story = 'My name is Ada. '.repeat(8);
    const base = await checkedTurn(null, [user(story)]);
    const left = await checkedTurn(base.context, [user('What is the capital of Norway?')]);
    const right = await checkedTurn(base.context, [user('What is my name?')]);
    expect(left.text).toContain('Oslo');
    expect(right.text).toContain('Ada');
    const known = base.usage.inputTokens + base.usage.outputTokens;
    expect(left.usage.cachedTokens).toBe(known);
    expect(right.usage.cachedTokens).toBeGreaterThanOrEqual(known);
    const leftAgain = await checkedTurn(left.context, [user('What is my name?')]);
    expect(leftAgain.usage.cachedTokens).toBe(left.usage.inputTokens + left.usage.outputTokens);
  });

  it('is cut back to the common prefix when only one sequence is there', async () => {
    const single = await createEngine(1);
    const base = await takeTurn(single, null, [user('My name is Ada.')]);
    await takeTurn(single, base.context, [user('What is the capital of Norway?')]);
    const again = await takeTurn(single, base.context, [user('What is my name?')]);
    expect(again.text).toBe('Your name is Ada.');
    expect(again.usage.cachedTokens).toBeGreaterThanOrEqual(base.usage.inputTokens + base.usage.outputTokens);
    expect(again.usage.cachedTokens).toBeLessThan(again.usage.inputTokens);
  });

  it('is the same when its items come back without the tokens that made them', async () => {
    const first = await takeTurn(engine, null, [user('My name is Grace.')]);
    const second = await takeTurn(engine, first.context, [user('Hello!')]);
    const replayed = [user('My name is Grace.'), assistant(first.text), user('Hello!'), assistant(second.text)];
    const turn = await checkedTurn(null, [...replayed, user('What is my name?')]);
    expect(turn.text).toContain('Grace');
    expect(turn.usage.cachedTokens).toBeGreaterThanOrEqual(second.usage.inputTokens + second.usage.outputTokens);
  });

  it('goes on under changed instructions, evaluating again from the first difference', async () => {
    const request = { instructions: 'You are a helpful agent.' };
    const first = await checkedTurn(null, [user('My name is Bela.')], { request });
    const same = await checkedTurn(first.context, [user('What is my name?')], { request });
    expect(same.usage.cachedTokens).toBe(first.usage.inputTokens + first.usage.outputTokens);
    const changed = { request: { instructions: 'You are a support agent of a shop.' } };
    const other = await checkedTurn(same.context, [user('What is my name?')], changed);
    expect(other.text).toContain('Bela');
    expect(other.usage.cachedTokens).toBeGreaterThan(0);
    expect(other.usage.cachedTokens).toBeLessThan(first.usage.inputTokens);
  });

  it('takes a system prompt as instructions, as a developer message, and as both', async () => {
    const rules = 'You are a helpful agent.';
    const asInstructions = await checkedTurn(null, [user('Hello!')], { request: { instructions: rules } });
    const asMessage = await checkedTurn(null, [developer(rules), user('Hello!')]);
    expect(asMessage.usage.inputTokens).toBe(asInstructions.usage.inputTokens);
    expect(asMessage.text).toBe(asInstructions.text);
    const both = await checkedTurn(null, [developer('Be kind.'), user('My name is Ada.')], {
      request: { instructions: rules },
    });
    const after = await checkedTurn(both.context, [user('What is my name?')], { request: { instructions: rules } });
    expect(after.text).toContain('Ada');
    expect(after.usage.cachedTokens).toBe(both.usage.inputTokens + both.usage.outputTokens);
  });
});

describe('tools', () => {
  const request = { tools: [weatherTool] };

  it('make a round trip', async () => {
    const asked = await checkedTurn(null, [user('What is the weather in Oslo?')], { request });
    expect(asked.calls).toEqual([{ name: 'get_weather', arguments: '{"city": "Oslo"}' }]);
    const result = output('call_0', '{"temperature":7,"conditions":"rainy"}');
    const answered = await checkedTurn(asked.context, [result], { request });
    expect(answered.text).toContain('7 degrees and rainy in Oslo');
    expect(answered.usage.cachedTokens).toBe(asked.usage.inputTokens + asked.usage.outputTokens);
  });

  it('are called, or not, as the request says', async () => {
    const question = [user('What is the weather in Oslo?')];
    const none = await checkedTurn(null, question, { request: { ...request, tool_choice: 'none' } });
    expect(none.calls).toEqual([]);
    expect(none.text).not.toBe('');
    const required = await checkedTurn(null, [user('Hello!')], { request: { ...request, tool_choice: 'required' } });
    expect(required.calls[0]?.name).toBe('get_weather');
    const choice = { type: 'function', name: 'get_weather' } as const;
    const named = await checkedTurn(null, question, { request: { ...request, tool_choice: choice } });
    expect(named.calls).toEqual([{ name: 'get_weather', arguments: '{"city": "Oslo"}' }]);
  });

  it('are called with what a strict schema says, where they must be', async () => {
    const toRequest = (city: object) => {
      const parameters = { type: 'object', properties: { city }, required: ['city'], additionalProperties: false };
      const tools: Tool[] = [{ type: 'function', name: 'get_weather', parameters, strict: true }];
      return { tools, tool_choice: 'required' as const, parallel_tool_calls: false };
    };
    const question = [user('What is the weather in Oslo?')];
    const turn = await checkedTurn(null, question, { request: toRequest({ enum: ['Rome', 'Bonn'] }) });
    expect(turn.calls).toHaveLength(1);
    expect(['Rome', 'Bonn']).toContain((JSON.parse(turn.calls[0]?.arguments ?? '') as { city: string }).city);
  });
});

describe('custom tools with a grammar', () => {
  const custom = (name: string, syntax: 'lark' | 'regex', definition: string): CustomTool => ({
    type: 'custom',
    name,
    description: 'Takes a text.',
    format: { type: 'grammar', syntax, definition },
  });
  const inputsOf = (turn: Turn): string[] =>
    turn.items.flatMap((item) => (item.type === 'custom_tool_call' ? [item.input] : []));

  it.each<[syntax: 'lark' | 'regex', definition: string, inputs: RegExp]>([
    ['regex', '(red|green) "[0-9]{3}"\\\\', /^(red|green) "[0-9]{3}"\\$/],
    [
      'lark',
      'start: "*** Begin" LF ("+" /[a-z]{1,3}/ LF)~2 "*** End"\n%import common.LF',
      /^\*\*\* Begin\n(\+[a-z]{1,3}\n){2}\*\*\* End$/,
    ],
  ])('of %s get inputs that follow it, and the chain goes on', async (syntax, definition, inputs) => {
    const tools = [custom('write', syntax, definition)];
    const request = { tools, tool_choice: { type: 'custom', name: 'write' }, parallel_tool_calls: false } as const;
    const turn = await checkedTurn(null, [user('Write it.')], { request });
    expect(inputsOf(turn)).toEqual([expect.stringMatching(inputs)]);
    expect(turn.reason).toBe('stop');
    const result: Item = { type: 'custom_tool_call_output', call_id: 'call_0', output: 'Done.' };
    // Its tokens stay the model's own: rendered again, they would be others.
    const next = await takeTurn(engine, turn.context, [result], { request: { ...request, max_output_tokens: 4 } });
    // All but the last one, which nobody asked to go on from.
    expect(next.usage.cachedTokens).toBe(turn.usage.inputTokens + turn.usage.outputTokens - 1);
  });

  it.each([
    ['apply_patch', applyPatch, /^\*\*\* Begin Patch\n\*\*\* (Add|Delete|Update) File: ./],
    // Any text is source.
    ['exec', execSource, /^(?!\{"input")./],
  ])('of Codex, %s, are kept to', async (name, definition, begun) => {
    const tools = [custom(name, 'lark', definition)];
    const request = {
      tools,
      tool_choice: { type: 'custom', name },
      max_output_tokens: 60,
    } as const;
    const turn = await takeTurn(engine, null, [user('Write it.')], { request });
    // The demo model seldom finds an end to it: what was cut off is told as far as it goes.
    expect(inputsOf(turn)).toEqual([expect.stringMatching(begun)]);
  });

  it.each<[Tool, Partial<ProtocolError>]>([
    [custom('a', 'regex', '(a'), { entry: 'invalid_value', param: 'tools[1].format.definition' }],
    [
      custom('a', 'lark', 'start: "x"\n%ignore " "'),
      { entry: 'unsupported_value', param: 'tools[1].format.definition' },
    ],
    [
      {
        type: 'namespace',
        name: 'n',
        description: '',
        tools: [custom('a', 'lark', 'begin: "x"')],
      },
      { entry: 'invalid_value', param: 'tools[1].tools[0].format.definition' },
    ],
  ])('that cannot be followed are refused: %j', async (tool, error) => {
    const request = { tools: [weatherTool, tool] };
    const outcome: unknown = await takeTurn(engine, null, [user('Hi')], { request }).catch((thrown: unknown) => thrown);
    expect(outcome).toMatchObject({ ...error, status: 400 });
  });
});

describe('limits', () => {
  it('cut an answer at max_output_tokens, and the chain goes on from there', async () => {
    const request = { max_output_tokens: 5 };
    const cut = await checkedTurn(null, [user('Tell me a story about a fox named Rusty.')], { request });
    expect(cut.reason).toBe('max_output_tokens');
    expect(cut.usage.outputTokens).toBe(5);
    const next = await checkedTurn(cut.context, [user('What is the capital of Peru?')]);
    expect(next.text).toContain('Lima');
    expect(next.usage.cachedTokens).toBe(cut.usage.inputTokens + cut.usage.outputTokens - 1);
  });

  it('refuse a prompt that does not fit, and leave the chain usable', async () => {
    const first = await takeTurn(engine, null, [user('My name is Ada.')]);
    const long = user('word '.repeat(1100));
    expect(await codeOf(takeTurn(engine, first.context, [long]))).toBe('context_length_exceeded');
    expect((await takeTurn(engine, first.context, [user('What is my name?')])).text).toBe('Your name is Ada.');
  });

  it('hold answers to a schema', async () => {
    const schema = {
      type: 'object',
      properties: { ok: { type: 'boolean' }, kind: { enum: ['a', 'b'] } },
      required: ['ok', 'kind'],
      additionalProperties: false,
    };
    const text = { format: { type: 'json_schema', name: 'answer', schema } } as const;
    const turn = await takeTurn(engine, null, [user('Hello!')], { request: { text, max_output_tokens: 100 } });
    expect(turn.reason).toBe('stop');
    const answer: unknown = JSON.parse(turn.text);
    expect(answer).toEqual({ ok: expect.any(Boolean), kind: expect.stringMatching(/^[ab]$/) });
  });

  it('repeat an answer under a seed, and no other', async () => {
    const request = { temperature: 2, max_output_tokens: 24 };
    const say = async (each: Engine<TokenContext>): Promise<string> =>
      JSON.stringify((await takeTurn(each, null, [user('Hello!')], { request })).items);
    const [seven, eight] = [await createEngine(1, { seed: 7 }), await createEngine(1, { seed: 8 })];
    const said = await say(seven);
    expect(await say(seven)).toBe(said);
    expect(await say(eight)).not.toBe(said);
  });

  it('leave a grammar to the model where calls are no JSON', async () => {
    const tags = `{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m.content }}{%- for c in m.tool_calls or [] %}{{- '<tool_call>\\n<function=' + c.function.name + '>' }}{%- endfor %}{{- '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}`;
    const coder = await createEngine(1, { chatTemplate: tags });
    const format = { type: 'grammar', syntax: 'regex', definition: 'a+' } as const;
    const tools: Tool[] = [{ type: 'custom', name: 'write', format }];
    const told = await takeTurn(coder, null, [user('Hi')], { request: { tools, max_output_tokens: 2 } });
    expect(told.usage.outputTokens).toBe(2);
  });

  it('let a tool be called where answers are held to a schema', async () => {
    const text = { format: { type: 'json_object' } } as const;
    const request = { text, tools: [weatherTool] };
    const turn = await takeTurn(engine, null, [user('What is the weather in Oslo?')], { request });
    expect(turn.calls).toEqual([{ name: 'get_weather', arguments: '{"city": "Oslo"}' }]);
  });
});

describe('sequences', () => {
  it('serve lanes side by side', async () => {
    const three = await createEngine(3);
    const names = ['Ada', 'Grace', 'Marta'];
    const firsts = await Promise.all(names.map((name) => takeTurn(three, null, [user(`My name is ${name}.`)])));
    const seconds = await Promise.all(
      firsts.map((first) => takeTurn(three, first.context, [user('What is my name?')])),
    );
    expect(seconds.map((turn) => turn.text)).toEqual(names.map((name) => `Your name is ${name}.`));
    expect(seconds.map((turn) => turn.usage.cachedTokens)).toEqual(
      firsts.map((first) => first.usage.inputTokens + first.usage.outputTokens),
    );
  });

  it('serve two forks at the same time', async () => {
    const base = await takeTurn(engine, null, [user('My name is Ada. '.repeat(8))]);
    const questions = ['What is my name?', 'What is the capital of Norway?'];
    const turns = await Promise.all(questions.map((question) => takeTurn(engine, base.context, [user(question)])));
    expect(turns[0]?.text).toContain('Ada');
    expect(turns[1]?.text).toContain('Oslo');
  });

  it('are waited for when all are in use', async () => {
    const single = await createEngine(1);
    const questions = [
      'What is the capital of Norway?',
      'What is the capital of Japan?',
      'What is the capital of Peru?',
    ];
    const turns = await Promise.all(questions.map((question) => takeTurn(single, null, [user(question)])));
    expect(turns.map((turn) => /Oslo|Tokyo|Lima/.exec(turn.text)?.[0])).toEqual(['Oslo', 'Tokyo', 'Lima']);
  });

  it('are taken from the chain that was used least recently', async () => {
    const two = await createEngine(2);
    const first = await takeTurn(two, null, [user('My name is Ada.')]);
    const second = await takeTurn(two, null, [user('I live in Oslo.')]);
    await takeTurn(two, null, [user('What do bees make?')]);
    const kept = await takeTurn(two, second.context, [user('Where do I live?')]);
    expect(kept.text).toContain('Oslo');
    expect(kept.usage.cachedTokens).toBe(second.usage.inputTokens + second.usage.outputTokens);
    const evicted = await takeTurn(two, first.context, [user('What is my name?')]);
    expect(evicted.text).toBe('Your name is Ada.');
    expect(evicted.usage.cachedTokens).toBeLessThan(8);
  });
});

describe('an abort', () => {
  it('while the prompt is evaluated leaves the sequence usable', async () => {
    const single = await createEngine(1);
    const base = await takeTurn(single, null, [user('My name is Ada.')]);
    const abort = new AbortController();
    const running = takeTurn(single, base.context, [user('word '.repeat(500))], { signal: abort.signal });
    setImmediate(() => abort.abort(new Error('enough')));
    await expect(running).rejects.toThrow('enough');
    const next = await takeTurn(single, base.context, [user('What is my name?')]);
    expect(next.text).toBe('Your name is Ada.');
    expect(next.usage.cachedTokens).toBeGreaterThanOrEqual(base.usage.inputTokens + base.usage.outputTokens);
  });

  it('while the model speaks leaves the sequence usable', async () => {
    const single = await createEngine(1);
    const abort = new AbortController();
    let batches = 0;
    const running = takeTurn(single, null, [user('Tell me a story about a fox named Rusty.')], {
      signal: abort.signal,
      onEvents: () => {
        batches += 1;
        if (batches === 3) abort.abort(new Error('enough'));
      },
    });
    await expect(running).rejects.toThrow('enough');
    expect(batches).toBe(3);
    expect((await takeTurn(single, null, [user('What is the capital of Japan?')])).text).toContain('Tokyo');
  });

  it('keeps what was said: the chain goes on from the partial answer', async () => {
    const context = engine.extend(null, [user('Tell me a story about a fox named Rusty.')]);
    let said = '';
    let tokens = 0;
    for await (const batch of engine.generate(toGenerateRequest(context), new AbortController().signal)) {
      tokens += 1;
      for (const event of batch) if (event.type === 'text.delta') said += event.delta;
      if (tokens === 6) break;
    }
    const partial = engine.extend(context, [assistant(said)]);
    const next = await checkedTurn(partial, [user('Stop, tell me the capital of Peru instead.')]);
    expect(next.text).toContain('Lima');
    expect(next.usage.cachedTokens).toBeGreaterThan(12);
  });
});

describe('log probabilities', () => {
  it('come with the text that they belong to, and only when they are asked for', async () => {
    const told: TokenLogprob[] = [];
    const collect: TurnOptions['onEvents'] = (events) => {
      for (const event of events) if (event.type === 'text.delta') told.push(...(event.logprobs ?? []));
    };
    const request = { include: ['message.output_text.logprobs' as const], top_logprobs: 3 };
    const asked = await takeTurn(engine, null, [user('What is the capital of Japan?')], { request, onEvents: collect });
    expect(told.map((each) => each.token).join('')).toBe(asked.text);
    for (const { token, logprob, top_logprobs: likeliest } of told) {
      expect(logprob).toBeLessThanOrEqual(0);
      // The model is asked greedily: what it says is the likeliest.
      expect(likeliest).toHaveLength(3);
      expect(likeliest[0]).toMatchObject({ token, logprob });
    }
    told.length = 0;
    const plain = await takeTurn(engine, null, [user('What is the capital of Japan?')], { onEvents: collect });
    expect(plain.text).toBe(asked.text);
    expect(told).toEqual([]);
  });
});

describe('a warm-up', () => {
  it('answers at once, and its prompt is there when the turn comes', async () => {
    const context = engine.extend(null, [developer('Rules: '.repeat(60)), user('My name is Zoe.')]);
    const request = toGenerateRequest(context);
    const signal = new AbortController().signal;
    const first = await engine.warm?.(request, signal);
    expect(first).toMatchObject({ outputTokens: 0 });
    expect(first?.cachedTokens).toBeLessThan(first?.inputTokens ?? 0);
    let usage = first;
    while (usage?.cachedTokens !== usage?.inputTokens) {
      await new Promise((resolve) => setImmediate(resolve));
      usage = await engine.warm?.(request, signal);
    }
    const turn = await checkedTurn(context, [user('What is my name?')]);
    expect(turn.usage.cachedTokens).toBe(first?.inputTokens);
  });
});

describe('a template that looks back', () => {
  it('is rendered in full, and gives the same answers', async () => {
    // Marks the last message only, so that every turn rewrites what stands before it.
    const chatTemplate = `{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' + ('\\n' if loop.last else '\\n\\n') }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}`;
    const full = await createEngine(2, { chatTemplate });
    const first = await takeTurn(full, null, [user('My name is Ada.')]);
    const second = await takeTurn(full, first.context, [user('What is my name?')]);
    expect(second.text).toContain('Ada');
    expect(second.usage.cachedTokens).toBeGreaterThan(0);
    expect(second.usage.cachedTokens).toBeLessThan(first.usage.inputTokens);
  });
});

describe('the engine', () => {
  it('names its model at once', async () => {
    const fresh = await createEngine(1);
    expect(await fresh.models()).toEqual([
      expect.objectContaining({
        id: 'tiny-demo',
        ownedBy: 'longwire',
        description: expect.stringContaining('demo model'),
      }),
    ]);
    await takeTurn(fresh, null, [user('Hello!')]);
    expect((await fresh.models())[0]?.contextTokens).toBe(1024);
  });

  it('refuses a file that is not there', async () => {
    expect(await codeOf(createLlamaEngine({ modelPath: '/nowhere/model.gguf' }))).toBe('engine_unavailable');
  });

  it('says so when the file is no model', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'longwire-llama-'));
    const modelPath = join(folder, 'broken.gguf');
    await writeFile(modelPath, 'not a model');
    const broken = await createLlamaEngine({ modelPath });
    expect((await broken.models())[0]?.id).toBe('broken');
    expect(await codeOf(takeTurn(broken, null, [user('Hello!')]))).toBe('engine_unavailable');
    await broken.close();
    await rm(folder, { recursive: true });
  });

  it('ends running generations when it is closed', async () => {
    const closing = await createEngine(1);
    const running = takeTurn(closing, null, [user('Tell me a story about a fox named Rusty.')], {
      onEvents: () => void closing.close(),
    });
    expect(await codeOf(running)).toBe('engine_unavailable');
  });
});
