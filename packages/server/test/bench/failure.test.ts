/** What the suite of failures counts, and that it counts at all. */
import { expect, test } from 'vitest';
import { countLosses, playOnBrokenLine } from '../../../../bench/failure/cuts.ts';
import { measureReconnect } from '../../../../bench/failure/reconnects.ts';
import { loadWorkload } from '../../../../bench/workloads/load.ts';
import { createScriptedEngine } from '../../src/engine/scripted/scripted.ts';
import { startTestServer } from '../harness.ts';

test('events are lost that never came, and doubled that came again', () => {
  const whole = [[0, 1, 2], [0, 1], [0]];
  expect(countLosses(whole, whole)).toEqual({ lost: 0, doubled: 0 });
  expect(countLosses([[0, 2], [0, 1, 1, 0], [0]], whole)).toEqual({ lost: 1, doubled: 2 });
  // A rollout that ended early has lost the rest.
  expect(countLosses([[0]], whole)).toEqual({ lost: 5, doubled: 0 });
});

const airline = loadWorkload('airline-27');
const rollout = { ...airline, turns: airline.turns.slice(0, 6) };
const brief = loadWorkload('stream-5');
const startServer = (flags: readonly string[] = []) =>
  startTestServer({
    engines: [rollout, brief].map((workload) => createScriptedEngine({ workload, rate: 'instant' })),
    flags,
  });

test('a rollout on a line that breaks has all of its events, once', async () => {
  await using server = await startServer();
  const whole = await playOnBrokenLine(server.url, rollout, null);
  expect(whole).toMatchObject({ faults: 0, seen: { length: 6 } });
  const broken = await playOnBrokenLine(server.url, rollout, 1);
  expect(broken.faults).toBeGreaterThan(0);
  expect(countLosses(broken.seen, whole.seen)).toEqual({ lost: 0, doubled: 0 });
});

test('a cut resends the history to a server that forgets, and nothing of it to one that does not', async () => {
  const forgetful = ['--resume-grace-ms', '0', '--idempotency-window-ms', '0'];
  const historyTokens = 5000;
  for (const [flags, least, most] of [
    [[], 1, 1000],
    [forgetful, 4 * historyTokens, 5 * historyTokens],
  ] as const) {
    await using server = await startServer(flags);
    const options = { url: server.url, echoUrl: `${server.url}/responses`, model: brief.name, rttMs: 0 };
    const { resentBytes } = await measureReconnect({ ...options, historyTokens });
    expect(resentBytes).toBeGreaterThanOrEqual(least);
    expect(resentBytes).toBeLessThanOrEqual(most);
  }
});
