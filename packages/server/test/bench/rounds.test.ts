import { expect, test } from 'vitest';
import type { Quietness } from '../../../../bench/machine.ts';
import { playRounds, toRoundNotes } from '../../../../bench/rounds.ts';

/** Plays rounds whose results are their numbers, beside an echo with the given spreads; the last one stays. */
async function play(rounds: number, spreads: readonly number[]) {
  let measured = 0;
  let plays = 0;
  const measureQuietness = async (): Promise<Quietness> => {
    const spread = spreads[Math.min(measured++, spreads.length - 1)] ?? 1;
    return { spread, load: 0, steal: 0 };
  };
  return await playRounds({ rounds, measureQuietness, announce() {}, play: async () => plays++ });
}

test('quiet rounds count as they come, behind the warm-up', async () => {
  const played = await play(3, [1.5]);
  expect(played).toEqual({ results: [1, 2, 3], disturbed: 0 });
  expect(toRoundNotes('turns', played)).toEqual([]);
});

test('a round that was disturbed before or after it is refused and played again', async () => {
  // Round 1 lies between the first and the second measurement, and so on.
  expect(await play(2, [1, 9, 1, 1, 1])).toEqual({ results: [3, 4], disturbed: 0 });
  expect(await play(2, [1, 9, 1, 1, 9])).toEqual({ results: [3, 1], disturbed: 1 });
});

test('where the machine is never quiet, the least disturbed rounds count, and a note says so', async () => {
  const played = await play(2, [9, 8, 7, 6, 5]);
  expect(played).toEqual({ results: [4, 3], disturbed: 2 });
  expect(toRoundNotes('turns', played)[0]).toMatch(/^2 of 2 rounds of the turns ran on a busy machine/);
});
