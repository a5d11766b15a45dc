/** A race without servers: turns that somebody made up. */
import type { TurnTimes } from '../../src/cli/bench-driver.ts';
import { Race, type RaceOptions } from '../../src/cli/demo/race.ts';
import { loadRollout } from '../../src/workloads/rollouts.ts';

export const settings = { rttMs: 40, pauseMs: 10_000, deflate: true, rate: 1000 } satisfies Omit<
  RaceOptions,
  'rollout'
>;

/** `airline-27` with as many turns played on each side: the left ones take 300 ms and send 1 MB, the right ones 200 ms and 10 KB. */
export function createMadeUpRace(left: number, right: number): Race {
  const race = new Race({ ...settings, rollout: loadRollout('airline-27') });
  const [http, socket] = race.sides;
  for (let turn = 0; turn < left; turn++) http.turns.push(toTimes(200, 300, 1e6));
  for (let turn = 0; turn < right; turn++) socket.turns.push(toTimes(100, 200, 1e4));
  if (left === 30) http.wallMs = 9000;
  if (right === 30) socket.wallMs = 6000;
  return race;
}

function toTimes(firstMs: number, totalMs: number, bytesUp: number): TurnTimes {
  return { firstMs, totalMs, bytesUp, bytesDown: 0, events: 1, responseId: 'resp_1', output: [] };
}
