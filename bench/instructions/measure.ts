/** What a turn and an event cost, in instructions of optimised code: they do not depend on how busy the machine is. */
import { openDriver, type Driver, type TurnTimes } from '../../packages/server/src/cli/bench-driver.ts';
import { openEcho } from '../echo-client.ts';
import { median } from '../figures.ts';
import { loadWorkload } from '../workloads/load.ts';
import type { Rollout } from '../../packages/server/src/workloads/coding.ts';
import { startCounted, type CountedServer, type nodeFlags } from './callgrind.ts';

/** Instructions as users run it, optimised; each in equal phases one after another. */
export interface Costs {
  /** A bare `ws` turn: 500 B in, parsed, 100 B out. */
  readonly bareTurn: readonly number[];
  /** A continuation turn of airline-27, its events included. */
  readonly turn: readonly number[];
  /** One more text delta in a turn. */
  readonly event: readonly number[];
}

/** Answers of two lengths: their difference is what an event costs. */
export const [fewEvents, manyEvents] = [10, 210];
/** The arguments of `servers/longwire.ts` for the workloads that are counted. */
export const scripted = ['airline-27', `stream-${fewEvents}`, `stream-${manyEvents}`].flatMap((name) => [
  '--scripted',
  name,
]);
/** Work that is done before anything is counted, then phases of equal work that are counted one by one. */
interface Phases {
  readonly warm: number;
  readonly turns: number;
  readonly count: number;
}

/** A whole rollout each, of which less than half meet a compilation or a full collection: the median has neither. */
const turnPhases: Phases = { warm: 3000, turns: 30, count: 20 };
const streamPhases: Phases = { warm: 600, turns: 60, count: 5 };
const barePhases: Phases = { warm: 2000, turns: 300, count: 3 };

/** Counts what a turn costs as users run it, for the report: minutes. */
export async function measureCosts(): Promise<Costs> {
  const [bareTurn, turn, event] = await Promise.all([countBareTurn('optimised'), countTurn(), countEvent()]);
  return { bareTurn, turn, event };
}

/** The floor: what `ws` takes for a frame in, parsed, and one out. */
export async function countBareTurn(code: keyof typeof nodeFlags): Promise<number[]> {
  await using server = await startCounted('servers/echo.ts', [], code);
  using echo = await openEcho(server.url);
  const frame = JSON.stringify({ text: 'y'.repeat(100), pad: 'x'.repeat(380) });
  return await countPhases(server, (turns) => repeat(turns, () => echo.send(frame, 1)), barePhases);
}

async function countTurn(): Promise<number[]> {
  await using server = await startCounted('servers/longwire.ts', scripted, 'optimised');
  const airline = loadWorkload('airline-27');
  return await countPhases(server, (turns) => playTurns(server.url, airline, turns), turnPhases);
}

async function countEvent(): Promise<number[]> {
  await using server = await startCounted('servers/longwire.ts', scripted, 'optimised');
  const many = await countStream(server, manyEvents);
  const few = median(await countStream(server, fewEvents));
  return many.map((each) => (each - few) / (manyEvents - fewEvents));
}

/** One socket for all: a handshake costs more than a short answer, and not always the same. */
async function countStream(server: CountedServer, events: number): Promise<number[]> {
  const { name, turns } = loadWorkload(`stream-${events}`);
  const driver = await openDriver('ws-delta', { url: server.url }, { model: name, instructions: '', tools: [] });
  const play = (count: number) => repeat(count, () => driver.turn(turns[0]?.input ?? []));
  const counts = await countPhases(server, play, streamPhases);
  driver.close();
  return counts;
}

/** Instructions of a turn in each phase. */
export async function countPhases(
  server: CountedServer,
  play: (turns: number) => Promise<unknown>,
  { warm, turns, count }: Phases,
): Promise<number[]> {
  await server.warm(() => play(warm));
  const counts: number[] = [];
  for (let phase = 0; phase < count; phase++) counts.push((await server.count(() => play(turns))) / turns);
  return counts;
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
