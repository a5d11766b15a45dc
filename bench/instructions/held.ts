/** The figures that the gate holds: the same in every run, on a busy machine too. */
import { startChild } from '../child.ts';
import { median } from '../figures.ts';
import { readProcessStats } from '../process-stats.ts';
import { loadWorkload } from '../workloads/load.ts';
import { nodeFlags, startCounted } from './callgrind.ts';
import { countBareTurn, fewEvents, manyEvents, playTurns, scripted } from './measure.ts';

/** Instructions are those of the baseline compiler (`nodeFlags.plain`): more than users pay, and repeatable. */
export interface HeldCosts {
  /** A bare `ws` turn: the floor of this machine. */
  readonly bareTurnInstructions: number;
  /** A continuation turn of airline-27, its events included. */
  readonly turnInstructions: number;
  /** One more text delta in a turn. */
  readonly eventInstructions: number;
  readonly bytesUpPerTurn: number;
  readonly bytesDownPerTurn: number;
  /** Reads and writes of a turn; polling is not counted. NaN where the system does not count them. */
  readonly readsPerTurn: number;
  readonly writesPerTurn: number;
}

/** What needs no callgrind. */
export type Traffic = Pick<HeldCosts, 'bytesUpPerTurn' | 'bytesDownPerTurn' | 'readsPerTurn' | 'writesPerTurn'>;

/** Phases of each length; whole rollouts, so that all play the same turns. */
const phases = 3;
const rollouts = { warm: 162, counted: 108 };
const streams = { warm: 60, counted: 24 };

/** Counts instructions: under a minute of one core. */
export async function countHeld(): Promise<Omit<HeldCosts, keyof Traffic>> {
  const bareTurnInstructions = median(await countBareTurn('plain'));
  await using server = await startCounted('servers/longwire.ts', scripted, 'plain');
  const play = (name: string, turns: number) => playTurns(server.url, loadWorkload(name), turns);
  const [many, few, airline] = [`stream-${manyEvents}`, `stream-${fewEvents}`, 'airline-27'];
  await server.warm(async () => {
    for (const name of [many, few]) await play(name, streams.warm);
    await play(airline, rollouts.warm);
  });
  const count = async (name: string, turns: number): Promise<number> => {
    const counts: number[] = [];
    for (let phase = 0; phase < phases; phase++) counts.push(await server.count(() => play(name, turns)));
    return median(counts) / turns;
  };
  const turnInstructions = await count(airline, rollouts.counted);
  const difference = (await count(many, streams.counted)) - (await count(few, streams.counted));
  return { bareTurnInstructions, turnInstructions, eventInstructions: difference / (manyEvents - fewEvents) };
}

/** Bytes and calls of a turn of airline-27. */
export async function measureTraffic(): Promise<Traffic> {
  // Threads of V8 wake the loop by reads and writes of their own.
  await using server = await startChild('./servers/longwire.ts', { args: scripted, nodeFlags: nodeFlags.plain });
  const airline = loadWorkload('airline-27');
  await playTurns(server.url, airline, rollouts.warm);
  const rounds: Traffic[] = [];
  for (let phase = 0; phase < phases; phase++) {
    const before = readProcessStats(server.pid);
    const times = await playTurns(server.url, airline, rollouts.counted);
    const after = readProcessStats(server.pid);
    rounds.push({
      bytesUpPerTurn: mean(times.map((each) => each.bytesUp)),
      bytesDownPerTurn: mean(times.map((each) => each.bytesDown)),
      readsPerTurn: before && after ? (after.readCalls - before.readCalls) / times.length : Number.NaN,
      writesPerTurn: before && after ? (after.writeCalls - before.writeCalls) / times.length : Number.NaN,
    });
  }
  const least = (name: keyof Traffic): number => Math.min(...rounds.map((each) => each[name]));
  return {
    bytesUpPerTurn: least('bytesUpPerTurn'),
    bytesDownPerTurn: least('bytesDownPerTurn'),
    readsPerTurn: least('readsPerTurn'),
    writesPerTurn: least('writesPerTurn'),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0) / values.length;
}
