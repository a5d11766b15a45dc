import { expect, test } from 'vitest';
import { createCodingRollout, codingNames } from '../../src/workloads/coding.ts';
import { loadWorkload } from '../../../../bench/workloads/load.ts';
import { bytesPerToken } from '../../src/workloads/prose.ts';
import { createRandom } from '../../src/workloads/random.ts';

test.each(codingNames)('%s is the same every time and ends at about 100k tokens', (name) => {
  const rollout = createCodingRollout(name);
  expect(createCodingRollout(name)).toEqual(rollout);
  expect(rollout.turns).toHaveLength(Number(name.split('-')[1]));
  expect(rollout.turns.at(-1)?.contextTokens).toBeGreaterThan(85_000);
  expect(rollout.turns.at(-1)?.contextTokens).toBeLessThanOrEqual(105_000);
});

test.each(codingNames)('%s answers every call in the turn after it, and nothing else', (name) => {
  let open: string | null = null;
  for (const { input, output } of createCodingRollout(name).turns) {
    const answered = input.flatMap((item) => (item.type === 'function_call_output' ? [item.call_id] : []));
    expect(answered).toEqual(open === null ? [] : [open]);
    open = output.flatMap((item) => (item.type === 'function_call' ? [item.call_id] : []))[0] ?? null;
  }
});

test('the text of a rollout is about as long as its tokens say', () => {
  const { turns } = createCodingRollout('coding-90');
  const bytes = JSON.stringify(turns.flatMap(({ input, output }) => [...input, ...output])).length;
  const tokens = turns.at(-1)?.contextTokens ?? 0;
  expect(bytes / bytesPerToken / tokens).toBeGreaterThan(0.9);
  expect(bytes / bytesPerToken / tokens).toBeLessThan(1.3);
});

test('a brief rollout has the same contexts and short answers', () => {
  const long = loadWorkload('coding-170');
  const brief = loadWorkload('coding-170-brief');
  expect(brief.turns.map(({ contextTokens }) => contextTokens)).toEqual(
    long.turns.map(({ contextTokens }) => contextTokens),
  );
  expect(Math.max(...brief.turns.map(({ output }) => JSON.stringify(output).length))).toBeLessThan(500);
});

test('a stream has a delta for each token', () => {
  expect(loadWorkload('stream-3').turns[0]?.chunks).toEqual([['word', 'word', 'word']]);
});

test('a name that nobody knows is told as such', () => {
  expect(() => createCodingRollout('coding-31')).toThrow('There is no rollout coding-31');
});

test('random numbers are those of their name', () => {
  const [a, b] = [createRandom('one'), createRandom('one')];
  const numbers = Array.from({ length: 5 }, a);
  expect(Array.from({ length: 5 }, b)).toEqual(numbers);
  expect(Array.from({ length: 5 }, createRandom('two'))).not.toEqual(numbers);
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
});

test('a prolonged rollout goes on at its length, and calls nothing that nobody answers', () => {
  const rollout = loadWorkload('coding-30');
  const longer = loadWorkload('coding-30+5');
  const last = rollout.turns.length - 1;
  expect(longer.turns).toHaveLength(rollout.turns.length + 5);
  expect(longer.gapsMs).toHaveLength(longer.turns.length);
  expect(longer.turns.slice(0, last)).toEqual(rollout.turns.slice(0, last));
  expect(longer.turns.slice(last).flatMap(({ output }) => output.map(({ type }) => type))).not.toContain(
    'function_call',
  );
  expect(longer.turns.at(-1)?.contextTokens).toBeGreaterThan(rollout.turns.at(-1)?.contextTokens ?? Infinity);
});
