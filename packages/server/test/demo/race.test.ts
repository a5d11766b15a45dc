import { expect, test, vi } from 'vitest';
import { Race } from '../../src/cli/demo/race.ts';
import { loadRollout } from '../../src/workloads/rollouts.ts';

const rollout = loadRollout('airline-27');
const instant = { rollout, rttMs: 0, pauseMs: 0, deflate: true, rate: 1_000_000 };

test('both sides get every answer of the rollout, and the left one sends more', async () => {
  const race = new Race(instant);
  await race.run(new AbortController().signal);
  const said = rollout.turns.map(({ output }) => toText(output));
  for (const { turns, wallMs } of race.sides) {
    expect(turns.map(({ output }) => toText(output))).toEqual(said);
    expect(wallMs).toBeGreaterThan(0);
  }
  const [left, right] = race.sides.map(({ turns }) => turns.reduce((sum, { bytesUp }) => sum + bytesUp, 0));
  expect(left).toBeGreaterThan(10 * (right ?? 0));
});

test('a link between them changes no answer', async () => {
  const brief = { ...rollout, turns: rollout.turns.slice(0, 3) };
  const race = new Race({ ...instant, rollout: brief, rttMs: 4, pauseMs: 1000, deflate: false });
  await race.run(new AbortController().signal);
  for (const { turns } of race.sides) {
    expect(turns.map(({ output }) => toText(output))).toEqual(brief.turns.map(({ output }) => toText(output)));
  }
});

test('a race that is stopped ends with the reason, in the middle of its turns', async () => {
  const race = new Race({ ...instant, rate: 1 });
  const abort = new AbortController();
  const run = race.run(abort.signal);
  run.catch(() => {});
  await vi.waitFor(() => expect(race.elapsedMs).toBeGreaterThan(0), { timeout: 30_000 });
  abort.abort(new Error('enough'));
  await expect(run).rejects.toThrow('enough');
  expect(race.sides.map(({ wallMs }) => wallMs)).toEqual([null, null]);
});

test('a race that is stopped before it starts ends, too', async () => {
  await expect(new Race(instant).run(AbortSignal.abort(new Error('never')))).rejects.toThrow('never');
});

/** Text and arguments, in order. */
function toText(output: readonly unknown[]): string {
  const items = output as { content?: { text: string }[]; arguments?: string }[];
  return items.map((item) => item.arguments ?? (item.content ?? []).map(({ text }) => text).join('')).join('');
}
