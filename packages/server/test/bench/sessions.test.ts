import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { toOutputPlot } from '../../../../bench/suites/saving-plots.ts';
import { toSvgFile } from '../../src/cli/plot.ts';
import {
  distanceToReference,
  modelSaving,
  modelSeconds,
  readSessions,
  toSums,
} from '../../../../bench/workloads/sessions.ts';
import { toClasses } from '../../../../bench/workloads/session-classes.ts';
import { loadRollout } from '../../src/workloads/rollouts.ts';
import type { Rollout } from '../../src/workloads/coding.ts';

const sessions = readSessions();

test('coding-87 is the recorded session that is nearest to the rollout of the goals', () => {
  const [nearest] = sessions.toSorted((a, b) => distanceToReference(a) - distanceToReference(b));
  expect(nearest?.session).toBe('trace_0636');
  const { turns, calls, outputTokens, newBytes } = toSums(loadRollout('coding-87'));
  // Its words are those of its name, so that only what words do not change is the same to the byte.
  expect({ turns, calls, outputTokens }).toMatchObject({
    turns: 87,
    calls: 68,
    outputTokens: nearest?.beginning?.outputTokens,
  });
  expect(newBytes / (nearest?.beginning?.newBytes ?? 0)).toBeCloseTo(1, 2);
});

test('the arithmetic gives the times that the prototype measured, to a second', () => {
  const sums = toSums(loadRollout('coding-87'));
  const expected = { 0: [34.6, 22.2], 20: [40.6, 24.1], 80: [56.6, 30.5] } as const;
  for (const rttMs of [0, 20, 80] as const) {
    const { full, fresh } = modelSeconds(sums, rttMs);
    expect(Math.abs(full - expected[rttMs][0])).toBeLessThan(1.1);
    expect(Math.abs(fresh - expected[rttMs][1])).toBeLessThan(1.1);
  }
});

test('the front end is paid for all of the text by one, for what is new by the other', () => {
  const sums = {
    turns: 2,
    calls: 1,
    outputTokens: 1000,
    fullBytes: 4 * 500_000,
    newBytes: 4 * 20_000,
    fullTrips: { 20: 10, 80: 8 },
    newTrips: { 20: 2, 80: 2 },
  };
  // 10 ms and 1 s of output, 1 s of prefill; then 1 s of front end, or 40 ms.
  expect(modelSeconds(sums, 0).full).toBeCloseTo(3.01);
  expect(modelSeconds(sums, 0).fresh).toBeCloseTo(2.05);
  expect(modelSeconds(sums, 80).full).toBeCloseTo(3.01 + 0.64);
  expect(modelSeconds(sums, 80).fresh).toBeCloseTo(2.05 + 0.16);
  expect(modelSaving(sums, 0)).toBeCloseTo(100 * (1 - 2.05 / 3.01));
});

test('a request of many windows takes a trip for each, and the window that it opened serves the next one', () => {
  const turn = (bytes: number) => ({
    input: [{ type: 'message' as const, role: 'user' as const, content: 'x'.repeat(bytes) }],
    output: [],
    contextTokens: 0,
    newTokens: 0,
    outputTokens: 0,
  });
  const rollout = (...turns: number[]): Rollout => ({
    name: 'a',
    instructions: '',
    tools: [],
    turns: turns.map(turn),
    gapsMs: [],
  });
  expect(toSums(rollout(10_000)).newTrips[80]).toBe(1);
  // 14,600, then twice as much each time: 102,200 bytes are there after three trips.
  expect(toSums(rollout(100_000)).newTrips[80]).toBe(3);
  expect(toSums(rollout(100_000, 10_000)).newTrips[80]).toBe(4);
});

test('every session is in one class, and classes that say more save less', () => {
  const classes = toClasses(sessions);
  expect(classes.reduce((sum, each) => sum + each.sessions, 0)).toBe(sessions.length);
  for (const rttMs of [0, 20, 80] as const) {
    const medians = classes.map(({ saving }) => saving[rttMs].median);
    expect(medians).toEqual(medians.toSorted((a, b) => b - a));
  }
});

test('the picture of docs/performance.md is drawn from these sessions', () => {
  const path = new URL('../../../../docs/saving-by-output.svg', import.meta.url);
  expect(readFileSync(path, 'utf8')).toBe(toSvgFile(toOutputPlot([])));
});
