/** What a turn and an event cost, in figures that do not depend on how busy the machine is. */
import type { Item } from '@longwire/protocol';
import { openDriver, type Driver, type TurnTimes } from '../../packages/server/src/cli/bench-driver.ts';
import { startChild } from '../child.ts';
import { openEcho } from '../echo-client.ts';
import { median } from '../figures.ts';
import { readProcessStats } from '../process-stats.ts';
import { loadWorkload } from '../workloads/load.ts';
import type { Rollout } from '../../packages/server/src/workloads/coding.ts';
import { startCounted, type CountedServer } from './callgrind.ts';

/** The figures that the gate holds. */
export interface Costs {
  /** Instructions of a bare `ws` turn: 500 B in, parsed, 100 B out. */
  readonly bareTurnInstructions: number;
  /** Instructions of a continuation turn of airline-27, its events included. */
  readonly turnInstructions: number;
  /** Instructions of one more text delta in a turn. */
  readonly eventInstructions: number;
  /** Instructions of a turn behind 1.3 MB of history, over those of the same turn behind 0.3 MB. */
  readonly historyFactor: number;
  /** Instructions of a turn of an engine of token ids behind 500,000 tokens of history, over those behind 10,000. */
  readonly tokenHistoryFactor: number;
  readonly bytesUpPerTurn: number;
  readonly bytesDownPerTurn: number;
  /** Reads and writes of a turn; polling is not counted. */
  readonly readsPerTurn: number;
  readonly writesPerTurn: number;
}

const fewEvents = 10;
const manyEvents = 210;
const scripted = ['airline-27', `stream-${fewEvents}`, `stream-${manyEvents}`].flatMap((name) => ['--scripted', name]);
const tokenModel = 'tokens';
/** Turns until the compiler has settled. */
const warmUp = 600;
/** Phases of which the median counts. */
const phases = 3;
/** Turns of a phase on the chain that grows. */
const historyTurns = 15;
/** Tokens of history of the engine of token ids. */
const [shortHistory, longHistory] = [10_000, 500_000];

/** What does not come from callgrind. */
type Traffic = Pick<Costs, 'bytesUpPerTurn' | 'bytesDownPerTurn' | 'readsPerTurn' | 'writesPerTurn'>;

/** What is counted beside the figures that the gate holds. */
export interface CountOptions {
  /** The bare turn, for a ratio to it. */
  readonly floor: boolean;
  /** The growth with the history. */
  readonly history: boolean;
}

/** Counts what a turn costs: under a minute of two cores for the gate. Null instead of options counts no instructions. */
export async function measureCosts(counting: CountOptions | null): Promise<Partial<Costs>> {
  const traffic = await measureTraffic();
  if (!counting) return traffic;
  const [floor, turnInstructions, stream] = await Promise.all([
    counting.floor ? countBareTurn() : null,
    countTurn(),
    countStream(counting.history),
  ]);
  return { ...(floor !== null && { bareTurnInstructions: floor }), turnInstructions, ...stream, ...traffic };
}

async function countBareTurn(): Promise<number> {
  await using server = await startCounted('servers/echo.ts', []);
  using echo = await openEcho(server.url);
  const frame = JSON.stringify({ text: 'y'.repeat(100), pad: 'x'.repeat(380) });
  return await perTurn(server, (turns) => repeat(turns, () => echo.send(frame, 1)), 2000, 300);
}

async function countTurn(): Promise<number> {
  await using server = await startCounted('servers/longwire.ts', scripted);
  const airline = loadWorkload('airline-27');
  return await perTurn(server, (turns) => playTurns(server.url, airline, turns), warmUp, 120);
}

async function countStream(history: boolean): Promise<Pick<Costs, 'eventInstructions'> & Partial<Costs>> {
  await using server = await startCounted('servers/longwire.ts', [...scripted, '--tokens', tokenModel]);
  const play = (events: number) => (turns: number) => playTurns(server.url, loadWorkload(`stream-${events}`), turns);
  const many = await perTurn(server, play(manyEvents), 150, 30);
  const few = await perTurn(server, play(fewEvents), 100, 30);
  const eventInstructions = (many - few) / (manyEvents - fewEvents);
  if (!history) return { eventInstructions };
  const historyFactor = await countHistory(server);
  return { eventInstructions, historyFactor, tokenHistoryFactor: await countTokenHistory(server) };
}

/** The same turn over and over on one chain: what the late ones cost over the early ones. */
async function countHistory(server: CountedServer): Promise<number> {
  const conversation = { model: `stream-${fewEvents}`, instructions: '', tools: [] };
  const driver = await openDriver('ws-delta', { url: server.url }, conversation);
  const text = 'A line of a file that a tool has read.\n'.repeat(110);
  const play = (turns: number) => repeat(turns, () => driver.turn([toQuestion(text)]));
  // The first phases compile what this workload needs.
  const early = await perTurn(server, play, 40, historyTurns);
  const late = await perTurn(server, play, 200, historyTurns);
  driver.close();
  return late / early;
}

/** The same turn on two chains of an engine of token ids, behind a long history over behind a short one. */
async function countTokenHistory(server: CountedServer): Promise<number> {
  const costs: number[] = [];
  for (const tokens of [shortHistory, longHistory]) {
    const driver = await openDriver(
      'ws-delta',
      { url: server.url },
      { model: tokenModel, instructions: '', tools: [] },
    );
    // A token of that engine has four characters.
    await driver.turn([toQuestion('word'.repeat(tokens))]);
    costs.push(
      await perTurn(server, (turns) => repeat(turns, () => driver.turn([toQuestion('And?')])), 60, historyTurns),
    );
    driver.close();
  }
  return (costs[1] ?? Number.NaN) / (costs[0] ?? Number.NaN);
}

function toQuestion(text: string): Item {
  return { type: 'message', role: 'user', content: [{ type: 'input_text', text }] };
}

/** Instructions of a turn: the median of equal phases, so that a compilation or a collection in one of them does not count. */
async function perTurn(
  server: CountedServer,
  play: (turns: number) => Promise<unknown>,
  warm: number,
  turns: number,
): Promise<number> {
  await server.count(() => play(warm));
  const counts: number[] = [];
  for (let phase = 0; phase < phases; phase++) counts.push(await server.count(() => play(turns)));
  return median(counts) / turns;
}

async function measureTraffic(): Promise<Traffic> {
  await using server = await startChild('./servers/longwire.ts', { args: scripted });
  const turns = 600;
  const airline = loadWorkload('airline-27');
  await playTurns(server.url, airline, 60);
  const before = readProcessStats(server.pid);
  const times = await playTurns(server.url, airline, turns);
  const after = readProcessStats(server.pid);
  const mean = (of: (each: TurnTimes) => number) => times.reduce((sum, each) => sum + of(each), 0) / turns;
  return {
    bytesUpPerTurn: mean((each) => each.bytesUp),
    bytesDownPerTurn: mean((each) => each.bytesDown),
    readsPerTurn: before && after ? (after.readCalls - before.readCalls) / turns : Number.NaN,
    writesPerTurn: before && after ? (after.writeCalls - before.writeCalls) / turns : Number.NaN,
  };
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

async function repeat(times: number, work: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < times; done++) await work();
}
