/** What connections and conversations hold (O7, G7–G9), beside a bare `ws` server. */
import type { Item } from '@longwire/protocol';
import { openDriver, type Driver } from '../../packages/server/src/cli/bench-driver.ts';
import { startChild, type Child } from '../child.ts';
import { toFigure, type Figure } from '../figures.ts';
import { openSockets } from '../idle-sockets.ts';
import { loadWorkload } from '../workloads/load.ts';
import type { Findings, SuiteOptions } from './suite.ts';

const steps = [0, 1000, 2000, 4000];
const fullSteps = [0, 2000, 5000, 10_000, 15_000];
const history = 'coding-170-brief';
const conversations = 5;
/** Handshakes, or turns, that are under way at once. */
const concurrency = 50;
/** Connections that grow the heap and load code before anything is counted. */
const warmUp = 200;

/** Runs the suite. */
export async function measureMemory({ full, progress }: SuiteOptions): Promise<Findings> {
  const counts = full ? fullSteps : steps;
  progress(`memory: up to ${counts.at(-1)} idle connections`);
  const ws = await measureSteps('servers/echo.ts', [], '/', counts);
  const ours = await measureSteps('servers/longwire.ts', ['--scripted', 'airline-27'], '/v1/responses', counts);
  progress('memory: compressed connections after a turn');
  const compressed = await measureCompressed(full ? 1000 : 300);
  progress(`memory: ${conversations} conversations of 100k tokens`);
  const conversation = await measureHistory();
  return {
    figures: [
      toFigure(
        { id: 'memory.idle', name: 'resident memory of an idle connection', unit: 'KB', floorName: 'bare ws' },
        [perConnection(ours)],
        [perConnection(ws)],
      ),
      compressed,
      conversation,
    ],
    plots: [
      {
        id: 'memory',
        title: 'Resident memory against idle connections',
        x: 'connections',
        y: 'MB',
        series: [
          { name: 'Longwire', points: ours },
          { name: 'bare ws', points: ws },
        ],
      },
    ],
    notes: [],
  };
}

async function measureSteps(
  script: string,
  args: readonly string[],
  path: string,
  counts: readonly number[],
): Promise<[number, number][]> {
  await using server = await startChild(`./${script}`, { args, tellsMemory: true });
  using sockets = openSockets(server.url, path, concurrency);
  const points: [number, number][] = [];
  for (const count of counts) {
    await sockets.grow(warmUp + count);
    points.push([count, (await server.memory()).resident / 2 ** 20]);
  }
  return points;
}

/** Connections whose client compresses with a window that it keeps, as Codex does, after one turn with tools. */
async function measureCompressed(count: number): Promise<Figure> {
  await using server = await startServer();
  const rollout = loadWorkload('airline-27');
  const tools = loadWorkload('coding-30').tools;
  const open = () =>
    openDriver('ws-codex-deflate', { url: server.url }, { model: rollout.name, instructions: 'Be brief.', tools });
  const drivers: Driver[] = [];
  const play = async (): Promise<void> => {
    const driver = await open();
    drivers.push(driver);
    await driver.turn(rollout.turns[0]?.input ?? []);
  };
  await spread(warmUp, play);
  for (const driver of drivers.splice(0)) driver.close();
  const before = await server.memory();
  await spread(count, play);
  const after = await server.memory();
  for (const driver of drivers) driver.close();
  return toFigure({ id: 'memory.deflate', name: 'held by a compressed connection after a turn', unit: 'KB' }, [
    (after.alive - before.alive) / count / 1024,
  ]);
}

/** Long conversations: what is held of each, to the JSON of its items. */
async function measureHistory(): Promise<Figure> {
  await using engine = await startChild('./engine/main.ts', { args: [history] });
  await using server = await startServer(['--engine', engine.url, '--models', history]);
  const rollout = loadWorkload(history);
  let bytes = 0;
  const play = async (): Promise<Driver> => {
    const driver = await openDriver('ws-delta', { url: server.url }, { model: history, instructions: '', tools: [] });
    bytes = 0;
    for (const { input } of rollout.turns) bytes += sizeOf(input) + sizeOf((await driver.turn(input)).output);
    return driver;
  };
  // As many as are measured: what is compiled meanwhile is nobody's conversation.
  for (let warm = 0; warm < conversations; warm++) (await play()).close();
  const before = await server.memory();
  const drivers: Driver[] = [];
  while (drivers.length < conversations) drivers.push(await play());
  const after = await server.memory();
  for (const driver of drivers) driver.close();
  return toFigure(
    { id: 'memory.history', name: 'held of a conversation of 100k tokens', unit: 'KB', floorName: 'its JSON' },
    [(after.alive - before.alive) / conversations / 1024],
    [bytes / 1024],
  );
}

function startServer(args: readonly string[] = ['--scripted', 'airline-27']): Promise<Child> {
  return startChild('./servers/longwire.ts', { args, tellsMemory: true });
}

function sizeOf(items: readonly Item[]): number {
  return Buffer.byteLength(JSON.stringify(items));
}

/** Runs `count` tasks, a few at a time. */
async function spread(count: number, task: () => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next++ < count) await task();
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

function perConnection(points: readonly (readonly [number, number])[]): number {
  const [first, last] = [points[0], points.at(-1)];
  return first && last ? ((last[1] - first[1]) * 1024) / (last[0] - first[0]) : Number.NaN;
}
