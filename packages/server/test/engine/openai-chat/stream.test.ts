import { readFileSync } from 'node:fs';
import type { Tool } from '@longwire/protocol';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../../src/engine/engine.ts';
import { UpstreamErrors } from '../../../src/engine/http/errors.ts';
import { ChatStreamDecoder } from '../../../src/engine/openai-chat/stream.ts';
import { toToolTable } from '../../../src/engine/chat/tools.ts';
import { joined } from './requests.ts';

const tools: Tool[] = [
  { type: 'function', name: 'get_weather' },
  { type: 'custom', name: 'apply_patch' },
  { type: 'namespace', name: 'agents', description: '', tools: [{ type: 'function', name: 'spawn' }] },
  { type: 'shell', environment: { type: 'local' } },
];

function createDecoder(parallelCalls = true): ChatStreamDecoder {
  return new ChatStreamDecoder(toToolTable(tools), new UpstreamErrors('up', []), 'm', parallelCalls);
}

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../../../src/engine/openai-chat/__fixtures__/${name}.sse`, import.meta.url));
}

function decode(...reads: readonly (string | Uint8Array)[]): {
  events: EngineEvent[];
  error: string | null;
  message: string;
} {
  const decoder = createDecoder();
  const events = reads.flatMap((read) => decoder.push(Buffer.from(read)));
  events.push(...decoder.finish());
  return { events, error: decoder.failure?.entry ?? null, message: decoder.failure?.message ?? '' };
}

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const delta = (fields: unknown, reason: string | null = null): string =>
  data({ choices: [{ index: 0, delta: fields, finish_reason: reason }] });
const callDelta = (fields: unknown): string => delta({ tool_calls: [fields] });
const stopped = delta({}, 'stop');

const start = (name: string, callId?: string) => ({
  type: 'call.start',
  kind: 'function',
  name,
  ...(callId !== undefined && { callId }),
});
const args = (text: string) => ({ type: 'call.delta', delta: text });
const text = (said: string) => ({ type: 'text.delta', delta: said });
const reasoning = (said: string) => ({ type: 'reasoning.delta', delta: said });
const end = (reason: string, inputTokens = 0, cachedTokens = 0, outputTokens = 0, reasoningTokens = 0) => ({
  type: 'end',
  reason,
  usage: { inputTokens, cachedTokens, outputTokens, reasoningTokens },
});

const whole: readonly [string, unknown[]][] = [
  [
    'llama-server-parallel-tools',
    [
      start('get_weather', 'llsCall0'),
      args('{"city": "Oslo"}'),
      start('get_weather', 'llsCall1'),
      args('{"city": "Paris"}'),
      end('stop', 79, 22, 64),
    ],
  ],
  [
    'vllm-reasoning-tool',
    [
      reasoning('The user wants the weather.'),
      text('Let me look.'),
      start('get_weather', 'chatcmpl-tool-0a'),
      args('{"city": "Oslo"}'),
      end('stop', 200, 128, 32),
    ],
  ],
  ['sglang-reasoning', [reasoning('Two plus two is four.'), text('4'), end('stop', 40, 0, 9, 5)]],
  [
    'ollama-same-index',
    [
      reasoning('Two cities.'),
      start('get_weather', 'call_aa'),
      args('{"city":"Oslo"}'),
      start('get_weather', 'call_bb'),
      args('{"city":"Paris"}'),
      end('stop', 170, 0, 44),
    ],
  ],
  ['lm-studio-tool', [start('read_file', '365174485'), args('{"path":"a\\\\b.txt"}'), end('stop')]],
  ['groq-reasoning', [reasoning('Say hi.'), text('Hi there'), end('stop', 76, 64, 30, 12)]],
  ['deepseek-reasoner', [reasoning('Hmm.'), text('Ja. Zażółć 👍'), end('stop', 500, 448, 20, 11)]],
  ['openrouter-reasoning', [reasoning('Think'), text('Hi'), end('stop', 10, 4, 5, 2)]],
  [
    'interleaved-calls',
    [
      start('get_weather', 'call_0'),
      args('{"city":"Oslo"}'),
      start('get_time', 'call_1'),
      args('{"zone":"CET"}'),
      text('Done.'),
      end('stop'),
    ],
  ],
  ['calls-without-ids', [start('get_weather'), args('{"city":"Oslo"}'), start('get_time'), args('{}'), end('stop')]],
];

describe('parallel_tool_calls: false', () => {
  it.each(['llama-server-parallel-tools', 'interleaved-calls'])('tells the first call only: %s', (name) => {
    const [all = [], one = []] = [true, false].map((parallelCalls) => {
      const decoder = createDecoder(parallelCalls);
      return joined([...decoder.push(fixture(name)), ...decoder.finish()]);
    });
    const second = all.findLastIndex((event) => event.type === 'call.start');
    expect(all[second - 1]).toMatchObject({ type: 'call.delta' });
    expect(all[second + 1]).toMatchObject({ type: 'call.delta' });
    expect(one).toEqual(all.toSpliced(second, 2));
  });
});

describe('streams', () => {
  it.each(whole)('of the shape %s', (name, events) => {
    const said = decode(fixture(name));
    expect(said.error).toBeNull();
    expect(joined(said.events)).toEqual(events);
  });

  it.each(whole)('%s say the same however their bytes are cut', (name, events) => {
    const bytes = fixture(name);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (at) => {
        const places = [0, ...at.toSorted((a, b) => a - b), bytes.length];
        const reads = places.slice(1).map((place, index) => bytes.subarray(places[index], place));
        expect(joined(decode(...reads).events)).toEqual(events);
      }),
      { numRuns: 30 },
    );
  });

  it('with log probabilities carry them on their text', () => {
    const { events } = decode(fixture('llama-server-length-logprobs'));
    const upon = { token: ' upon', bytes: [32, 117, 112, 111, 110], logprob: -0.0002 };
    expect(events[1]).toEqual({ ...text(' upon'), logprobs: [{ ...upon, top_logprobs: [upon] }] });
    expect(events.at(-1)).toEqual(end('max_output_tokens', 24, 3, 2));
  });

  it('give one batch per read, each delta as it came', () => {
    const decoder = createDecoder();
    expect(decoder.push(Buffer.from(delta({ content: 'a' }) + delta({ content: 'b' })))).toEqual([
      text('a'),
      text('b'),
    ]);
    expect(decoder.push(Buffer.from(delta({ content: 'c' })))).toEqual([text('c')]);
    expect(decoder.push(Buffer.from(stopped))).toEqual([]);
    expect(decoder.finished).toBe(true);
    expect(decoder.push(Buffer.from('data: [DONE]\n\n'))).toEqual([end('stop')]);
    expect(decoder.done).toBe(true);
    expect(decoder.push(Buffer.from(delta({ content: 'late' })))).toEqual([]);
    expect(decoder.finish()).toEqual([]);
  });

  it('may come as one whole answer', () => {
    const decoder = createDecoder();
    const message = { role: 'assistant', content: 'Hi', reasoning_content: 'Hm', tool_calls: null };
    const usage = { prompt_tokens: 5, completion_tokens: 2 };
    const events = decoder.pushWhole(JSON.stringify({ choices: [{ message, finish_reason: 'stop' }], usage }));
    expect([...events, ...decoder.finish()]).toEqual([reasoning('Hm'), text('Hi'), end('stop', 5, 0, 2)]);
  });

  it('may have content in pieces, and refusals', () => {
    const pieces = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] },
      { type: 'text', text: 'Hi' },
    ];
    expect(decode(delta({ content: pieces }), delta({ refusal: 'No.' }), stopped).events).toEqual([
      reasoning('Hm'),
      text('Hi'),
      { type: 'refusal.delta', delta: 'No.' },
      end('stop'),
    ]);
  });

  it.each([
    ['length', 'max_output_tokens'],
    ['content_filter', 'content_filter'],
    ['tool_calls', 'stop'],
    ['eos', 'stop'],
  ])('that finish with %s end with %s', (finish, reason) => {
    expect(decode(delta({ content: 'x' }, finish)).events.at(-1)).toEqual(end(reason));
  });
});

describe('calls', () => {
  it('of custom tools stream their text', () => {
    const first = callDelta({ index: 0, id: 'c', function: { name: 'apply_patch', arguments: '{"input": "*** Beg' } });
    const second = callDelta({ index: 0, function: { arguments: 'in\\nPatch"}' } });
    const { events } = decode(first, second, stopped);
    expect(events).toEqual([
      { type: 'call.start', kind: 'custom', name: 'apply_patch', callId: 'c' },
      args('*** Beg'),
      args('in\nPatch'),
      end('stop'),
    ]);
  });

  it('get their namespace back', () => {
    const { events } = decode(callDelta({ id: 'c', function: { name: 'agents__spawn', arguments: '{}' } }), stopped);
    expect(events[0]).toEqual({
      type: 'call.start',
      kind: 'function',
      name: 'spawn',
      namespace: 'agents',
      callId: 'c',
    });
  });

  it('of tools that the client runs come as whole items', () => {
    const pieces = ['{"commands":', '["ls"]}'].map((each) => callDelta({ index: 0, function: { arguments: each } }));
    const { events } = decode(callDelta({ index: 0, id: 'c', function: { name: 'shell' } }), ...pieces, stopped);
    expect(events).toMatchObject([{ type: 'item', item: { type: 'shell_call', call_id: 'c' } }, { type: 'end' }]);
  });

  it('that only look like such a tool are given back as they are', () => {
    const { events } = decode(callDelta({ id: 'c', function: { name: 'shell', arguments: '{"x":1}' } }), stopped);
    expect(events).toEqual([start('shell', 'c'), args('{"x":1}'), end('stop')]);
  });

  it('are not held back by those before them once those are whole', () => {
    const decoder = createDecoder();
    const feed = (fields: unknown): EngineEvent[] => decoder.push(Buffer.from(callDelta(fields)));
    expect(feed({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } })).toEqual([
      start('f', 'a'),
      args('{}'),
    ]);
    expect(feed({ index: 1, id: 'b', function: { name: 'g', arguments: '{"x"' } })).toEqual([
      start('g', 'b'),
      args('{"x"'),
    ]);
    expect(feed({ index: 1, function: { arguments: ':1}' } })).toEqual([args(':1}')]);
  });

  it('wait for those before them while those are not', () => {
    const decoder = createDecoder();
    const feed = (fields: unknown): EngineEvent[] => decoder.push(Buffer.from(callDelta(fields)));
    expect(feed({ index: 0, id: 'a', function: { name: 'f', arguments: '{"x":{}' } })).toHaveLength(2);
    expect(feed({ index: 1, id: 'b', function: { name: 'g', arguments: '{}' } })).toEqual([]);
    expect(feed({ index: 0, function: { arguments: '}' } })).toEqual([args('}')]);
    expect(joined(decoder.push(Buffer.from(`${stopped}data: [DONE]\n\n`)))).toEqual([
      start('g', 'b'),
      args('{}'),
      end('stop'),
    ]);
  });

  it('without an index are told apart by their ids', () => {
    const begin = ['a', 'b'].map((id) => callDelta({ id, function: { name: 'f', arguments: '{"x":' } }));
    const more = ['a', 'b'].map((id) => callDelta({ id, function: { arguments: `"${id}"}` } }));
    expect(joined(decode(...begin, ...more, stopped).events)).toEqual([
      start('f', 'a'),
      args('{"x":"a"}'),
      start('f', 'b'),
      args('{"x":"b"}'),
      end('stop'),
    ]);
  });

  it('may come with index 0, a name and no id, each whole', () => {
    const both = ['{"a":1}', '{"a":2}'].map((each) =>
      callDelta({ index: 0, id: '', function: { name: 'f', arguments: each } }),
    );
    expect(decode(...both, stopped).events).toEqual([
      start('f'),
      args('{"a":1}'),
      start('f'),
      args('{"a":2}'),
      end('stop'),
    ]);
  });

  it('may have arguments that are no string', () => {
    const { events } = decode(callDelta({ index: 0, function: { name: 'f', arguments: { a: 1 } } }), stopped);
    expect(events).toEqual([start('f'), args('{"a":1}'), end('stop')]);
  });

  it('with an id that another has already are given none', () => {
    const same = [0, 1].map((index) => callDelta({ index, id: 'c', function: { name: 'f', arguments: '{}' } }));
    expect(decode(...same, stopped).events.filter((event) => event.type === 'call.start')).toEqual([
      start('f', 'c'),
      start('f'),
    ]);
  });
});

describe('failures', () => {
  it.each([
    ['vllm-error-mid-stream', 'context_length_exceeded', 'Hel'],
    ['openrouter-error-mid-stream', 'rate_limit_exceeded', 'Hal'],
    ['llama-server-error-field', 'engine_unavailable', 'He'],
  ])('in mid-stream, as in %s, come after what was said', (name, entry, said) => {
    expect(decode(fixture(name))).toMatchObject({ events: [text(said)], error: entry });
  });

  it.each([
    ['a stream that ends early', delta({ content: 'x' }), /too early/],
    ['an empty stream', '', /too early/],
    ['something else than JSON', 'data: {"choices"\n\n', /not JSON/],
    ['an aborted generation', delta({}, 'abort'), /abort/],
    ['a call without a name', callDelta({ index: 0, function: { arguments: '{}' } }) + stopped, /without naming/],
  ])('%s', (_, bytes, message) => {
    const failed = decode(bytes);
    expect(failed.error).toBe('engine_unavailable');
    expect(failed.message).toMatch(message);
    expect(failed.events.some((event) => event.type === 'end')).toBe(false);
  });

  it('by an event named error', () => {
    expect(decode('event: error\ndata: {"message":"boom","code":500}\n\n')).toMatchObject({
      error: 'engine_unavailable',
    });
  });
});
