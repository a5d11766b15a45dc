/** What a turn and an event cost, in instructions of optimised code: they do not depend on how busy the machine is. */
import { openDriver, type Driver, type TurnTimes } from '../../packages/server/src/cli/bench-driver.ts';
import { openEcho } from '../echo-client.ts';
import { median } from '../figures.ts';
import { loadWorkload } from '../workloads/load.ts';
import type { Rollout } from '../../packages/server/src/workloads/coding.ts';
import { startCounted, type CountedServer, type nodeFlags } from './callgrind.ts';

/** Instructions as users run it, optimised. */
export interface Costs {
  /** A bare `ws` turn: 500 B in, parsed, 100 B out. */
  readonly bareTurn: number;
  /** A continuation turn of airline-27, its events included. */
  readonly turn: number;
  /** One more text delta in a turn. */
  readonly event: number;
}

/** Answers of two lengths: their difference is what an event costs. */
export const [fewEvents, manyEvents] = [10, 210];
/** The arguments of `servers/longwire.ts` for the workloads that are counted. */
export const scripted = ['airline-27', `stream-${fewEvents}`, `stream-${manyEvents}`].flatMap((name) => [
  '--scripted',
  name,
]);
/** Turns until the compiler has settled. */
const warmUp = 1200;
/** Phases of which the median counts. */
const phases = 3;

/** Counts what a turn costs as users run it, for the report: minutes. Two runs differ by up to a third. */
export async function measureCosts(): Promise<Costs> {
  const [bareTurn, turn, event] = await Promise.all([countBareTurn('optimised', 2000), countTurn(), countEvent()]);
  return { bareTurn, turn, event };
}

/** The floor: what `ws` takes for a frame in, parsed, and one out. */
export async function countBareTurn(code: keyof typeof nodeFlags, warm: number): Promise<number> {
  await using server = await startCounted('servers/echo.ts', [], code);
  using echo = await openEcho(server.url);
  const frame = JSON.stringify({ text: 'y'.repeat(100), pad: 'x'.repeat(380) });
  return await perTurn(server, (turns) => repeat(turns, () => echo.send(frame, 1)), warm, 300);
}

async function countTurn(): Promise<number> {
  await using server = await startCounted('servers/longwire.ts', scripted, 'optimised');
  const airline = loadWorkload('airline-27');
  return await perTurn(server, (turns) => playTurns(server.url, airline, turns), warmUp, 120);
}

async function countEvent(): Promise<number> {
  await using server = await startCounted('servers/longwire.ts', scripted, 'optimised');
  const play = (events: number) => (turns: number) => playTurns(server.url, loadWorkload(`stream-${events}`), turns);
  const many = await perTurn(server, play(manyEvents), 300, 30);
  const few = await perTurn(server, play(fewEvents), 300, 30);
  return (many - few) / (manyEvents - fewEvents);
}

/** Instructions of a turn: the median of equal phases, so that a compilation or a collection in one of them does not count. */
export async function perTurn(
  server: CountedServer,
  play: (turns: number) => Promise<unknown>,
  warm: number,
  turns: number,
): Promise<number> {
  await server.warm(() => play(warm));
  const counts: number[] = [];
  for (let phase = 0; phase < phases; phase++) counts.push(await server.count(() => play(turns)));
  return median(counts) / turns;
}

/** The workload over and over on one socket each, only new items. */
export async function playTurns(url: string, workload: Rollout, turns: number): Promise<TurnTimes[]> {
  const times: TurnTimes[] = [];
  const conversation = { model: workload.name, instructions: '', tools: [] };
  while (times.length < turns) {
    const driver: Driver = await openDriver('ws-delta', { url }, conversation);
    for (const { input } of workload.turns.slice(0, turns - times.length)) times.push(await driver.turn(input));
    driver.close();
  }
  return times;
}

/** The same work, one after another. */
export async function repeat(times: number, work: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < times; done++) await work();
}
