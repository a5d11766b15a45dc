import type { Usage } from '@longwire/protocol';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { hearFirst, type TurnEnd, type TurnFacts } from '../../src/observe/turn-meter.ts';
import { createTurnMetrics } from '../../src/observe/turn-metrics.ts';
import { parseExposition } from './exposition.ts';

const facts: TurnFacts = { engine: 'e', model: 'm', transport: 'websocket', project: 'p', history: 'none' };
const labels = { gen_ai_operation_name: 'chat', gen_ai_provider_name: 'e', gen_ai_request_model: 'm' };

function usageOf(input: number, cached: number, output: number, reasoning: number): Usage {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  };
}

const completed = (usage: Usage | null): TurnEnd => ({ outcome: 'completed', code: null, usage, summaryUsage: null });

function createCounting() {
  const registry = new Registry();
  const clock = { nowMs: 0 };
  const meter = createTurnMetrics(registry, { byProject: false, now: () => clock.nowMs });
  return { meter, clock, read: async () => parseExposition(await registry.metrics()) };
}

async function* batches(...all: readonly (readonly string[])[]) {
  yield* all;
}

describe('the times of a turn', () => {
  it('begin with the turn, and the first token is the first batch that says something', async () => {
    const { meter, clock, read } = createCounting();
    const watch = meter.begin(facts);
    const engine = (async function* () {
      clock.nowMs = 100;
      yield [];
      clock.nowMs = 250;
      yield ['first'];
      clock.nowMs = 1250;
      yield ['last'];
    })();
    const heard: string[] = [];
    for await (const batch of watch.hear(engine)) heard.push(...batch);
    watch.end(completed(usageOf(10, 4, 5, 2)));
    watch.end(completed(usageOf(10, 4, 5, 2)));
    expect(heard).toEqual(['first', 'last']);
    const metrics = await read();
    expect(metrics.value('gen_ai_server_time_to_first_token_seconds_sum', labels)).toBe(0.25);
    expect(metrics.value('gen_ai_server_time_per_output_token_seconds_sum', labels)).toBe(0.25);
    expect(metrics.value('gen_ai_server_request_duration_seconds_sum', labels)).toBe(1.25);
    expect(metrics.value('gen_ai_server_request_duration_seconds_bucket', { ...labels, le: '0.64' })).toBe(0);
    expect(metrics.value('gen_ai_server_request_duration_seconds_bucket', { ...labels, le: '1.28' })).toBe(1);
    const parts = ['evaluated', 'cached', 'reasoning', 'answer'].map((type) =>
      metrics.value('longwire_tokens_total', { engine: 'e', model: 'm', type }),
    );
    expect(parts).toEqual([6, 4, 2, 3]);
  });

  it('tell no first token where nothing was written', async () => {
    const { meter, read } = createCounting();
    const watch = meter.begin(facts);
    for await (const _ of watch.hear(batches(['end'])));
    watch.end(completed(usageOf(10, 0, 0, 0)));
    const metrics = await read();
    expect(metrics.value('gen_ai_server_time_to_first_token_seconds_count', labels)).toBe(0);
    expect(metrics.value('gen_ai_server_request_duration_seconds_count', labels)).toBe(1);
  });
});

describe('what an upstream says', () => {
  it.each([
    ['more cached than read', usageOf(10, 20, 5, 9), [0, 20, 9, 0]],
    ['less than nothing', usageOf(-1, -1, -1, -1), [0, 0, 0, 0]],
    ['no number', usageOf(Number.NaN, 1, Infinity, Number.NaN), [0, 1, 0, 0]],
  ])('of tokens ends no turn: %s', async (_, usage, expected) => {
    const { meter, read } = createCounting();
    meter.begin(facts).end(completed(usage));
    const metrics = await read();
    const parts = ['evaluated', 'cached', 'reasoning', 'answer'].map((type) =>
      metrics.value('longwire_tokens_total', { engine: 'e', model: 'm', type }),
    );
    expect(parts).toEqual(expected);
  });

  it('of models makes a hundred series at most, and one for the others', async () => {
    const { meter, read } = createCounting();
    for (let model = 0; model < 150; model++) {
      for (let turn = 0; turn < 2; turn++) meter.begin({ ...facts, model: `m${model}` }).end(completed(null));
    }
    const metrics = await read();
    expect(metrics.valuesOf('model').size).toBe(101);
    const others = { engine: 'e', model: 'other', transport: 'websocket', outcome: 'completed' };
    expect(metrics.value('longwire_turns_total', others)).toBe(100);
    expect(metrics.value('longwire_turns_total', { ...others, model: 'm0' })).toBe(2);
  });
});

describe('the ear in front of an engine', () => {
  it('tells of the first batch once, and of none where none comes', async () => {
    let told = 0;
    for await (const _ of hearFirst(batches([], ['a'], ['b']), () => told++));
    for await (const _ of hearFirst(batches([], []), () => told++));
    expect(told).toBe(1);
  });

  it('lets the engine clean up when it is left, before and after its first batch', async () => {
    for (const reads of [0, 1, 2]) {
      let isClean = false;
      const engine = (async function* () {
        try {
          yield ['a'];
          yield ['b'];
          yield ['c'];
        } finally {
          isClean = true;
        }
      })();
      const events = hearFirst(engine, () => {})[Symbol.asyncIterator]();
      for (let read = 0; read < reads; read++) await events.next();
      await events.return?.();
      expect(isClean).toBe(reads > 0);
      expect(await events.next()).toMatchObject({ done: true });
    }
  });

  it('throws what the engine throws', async () => {
    const engine = (async function* (): AsyncGenerator<string[]> {
      yield ['a'];
      throw new Error('Broken.');
    })();
    const events = hearFirst(engine, () => {})[Symbol.asyncIterator]();
    await events.next();
    await expect(events.next()).rejects.toThrow('Broken.');
  });
});
