/**
 * What the server adds to a turn, and whether that grows with the history (O1, O2, G1, G2). A rollout of 170 turns to 100k tokens is replayed
 * over the same engine process in four ways within seconds of one another: the engine called directly, through a bare hop, and through
 * Longwire; once with an engine that gets what is new, once with one that gets the whole text.
 */
import { openDriver } from '../../packages/server/src/cli/bench-driver.ts';
import { startChild } from '../child.ts';
import { openEcho } from '../echo-client.ts';
import { DirectEngine } from '../engine/direct.ts';
import { sessionSuffix } from '../engine/session-engine.ts';
import { median, quantile, shuffled, toFigure } from '../figures.ts';
import { isQuiet, measureQuietness } from '../machine.ts';
import { loadWorkload } from '../workloads/load.ts';
import type { Rollout } from '../../packages/server/src/workloads/coding.ts';
import type { Findings, SuiteOptions } from './suite.ts';

const model = 'coding-170-brief';
/** Turns at the beginning and at the end that are compared. The first ones open connections. */
const early = [5, 25] as const;
const lateTurns = 20;
/** Rounds in which full histories over HTTP run too. */
const historyRounds = 2;

type Way = 'direct.session' | 'direct.text' | 'bare' | 'session' | 'text' | 'http';
/** Ways that are drawn, in the same order and so in the same colours everywhere. */
const drawn = ['http', 'text', 'session', 'bare'] as const;
const wayNames = {
  http: 'HTTP, full history',
  text: 'WebSocket, text engine',
  session: 'WebSocket, session engine',
  bare: 'bare Node hop',
} as const;
/** Milliseconds of each turn, in each way. */
type RoundTimes = Record<Exclude<Way, 'http'>, number[]> & { http?: number[] };

/** Runs the suite. A busy machine's rounds are told in the notes. */
export async function measureTurns({ rounds, progress }: SuiteOptions): Promise<Findings> {
  const rollout = loadWorkload(model);
  await using engine = await startChild('./engine/main.ts', { args: [model] });
  await using echoServer = await startChild('./servers/echo.ts');
  await using bare = await startChild('./servers/bare-hop.ts', { args: [engine.url] });
  const args = ['--engine', engine.url, '--models', model];
  await using longwire = await startChild('./servers/longwire.ts', { args });
  using echo = await openEcho(echoServer.url);

  const ways: Record<Way, () => Promise<number[]>> = {
    'direct.session': () => replayDirect(engine.url, rollout, 'session'),
    'direct.text': () => replayDirect(engine.url, rollout, 'text'),
    bare: () => replay(bare.url, rollout, model + sessionSuffix),
    session: () => replay(longwire.url, rollout, model + sessionSuffix),
    text: () => replay(longwire.url, rollout, model),
    http: () => replay(longwire.url, rollout, model, 'http-full'),
  };

  const echoUs: number[] = [];
  const all: RoundTimes[] = [];
  let busyRounds = 0;
  for (let round = 0; round <= rounds; round++) {
    progress(`turns: round ${round} of ${rounds}${round === 0 ? ' (warm-up)' : ''}`);
    const quietness = await measureQuietness(echo);
    const times = {} as RoundTimes;
    // Full histories take most of the time and differ most: a few rounds of them are enough.
    const now = (Object.keys(ways) as Way[]).filter((way) => way !== 'http' || round <= historyRounds);
    for (const way of shuffled(now)) times[way] = await ways[way]();
    if (round === 0) continue;
    if (!isQuiet(quietness)) busyRounds++;
    echoUs.push(await measureEcho(echo));
    all.push(times);
  }
  return toFindings(all, echoUs, busyRounds, longwire.startMs, rollout);
}

function toFindings(
  all: readonly RoundTimes[],
  echoUs: readonly number[],
  busyRounds: number,
  startMs: number,
  rollout: Rollout,
): Findings {
  const withHistory = all.flatMap(({ http, session }) => (http ? [{ http, session }] : []));
  const added = (way: Exclude<Way, 'http'>, floor: Exclude<Way, 'http'>, share: number) =>
    all.map((times) => 1000 * quantile(late(minus(times[way], times[floor])), share));
  const bareAdded = added('bare', 'direct.session', 0.5);
  const bareAddedTail = added('bare', 'direct.session', 0.99);
  const flat = (way: Exclude<Way, 'http'>, part: (times: readonly number[]) => number[]) =>
    all.map((times) => median(part(over(times[way], times.bare))));
  const beginning = (times: readonly number[]) => times.slice(...early);
  const curve = (way: Way) =>
    rollout.turns.map(({ contextTokens }, turn): [number, number] => [
      contextTokens,
      median(all.flatMap((times) => times[way]?.[turn] ?? [])),
    ]);
  const hop = 'bare Node hop';
  const head = 'turns 6–25 of the same chain';
  return {
    figures: [
      toFigure({ id: 'echo', name: 'bare ws echo, round trip', unit: 'us' }, echoUs),
      toFigure({ id: 'turn.bare.added', name: 'added to a turn by a bare Node hop, p50', unit: 'us' }, bareAdded),
      toFigure(
        { id: 'turn.session.added', name: 'added by Longwire at 100k tokens, p50', unit: 'us', floorName: hop },
        added('session', 'direct.session', 0.5),
        bareAdded,
      ),
      toFigure(
        { id: 'turn.session.added.p99', name: 'added by Longwire at 100k tokens, p99', unit: 'us', floorName: hop },
        added('session', 'direct.session', 0.99),
        bareAddedTail,
      ),
      toFigure(
        { id: 'turn.text.added', name: 'added with a text engine at 100k tokens, p50', unit: 'us', floorName: hop },
        added('text', 'direct.text', 0.5),
        bareAdded,
      ),
      toFigure(
        { id: 'turn.session.flat', name: 'turns 151–170, to a bare hop', unit: '', floorName: head },
        flat('session', late),
        flat('session', beginning),
      ),
      toFigure(
        {
          id: 'turn.http.late',
          name: 'turn 151–170, full history over HTTP',
          unit: 'ms',
          floorName: 'WebSocket, new items',
        },
        withHistory.map(({ http }) => median(late(http))),
        withHistory.map(({ session }) => median(late(session))),
      ),
      toFigure({ id: 'start', name: 'start-up to the printed URL', unit: 'ms' }, [startMs]),
    ],
    plots: [
      {
        id: 'history',
        title: 'Time of a turn against the length of its history (instant engine, no network)',
        x: 'tokens of context',
        y: 'ms',
        logY: true,
        series: [
          ...drawn.map((way) => ({ name: wayNames[way], points: curve(way) })),
          { name: 'engine called directly', points: curve('direct.session') },
        ],
      },
      {
        id: 'latency',
        title: 'Distribution of the time of a turn at 100k tokens',
        x: 'share of turns that are faster',
        y: 'ms',
        logY: true,
        series: drawn.map((way) => ({
          name: wayNames[way],
          points: distribution(all.flatMap((times) => late(times[way] ?? []))),
        })),
      },
    ],
    notes:
      busyRounds > 0
        ? [
            `${busyRounds} of ${all.length} rounds of the turns ran on a busy machine (echo p99 over 3x its least): trust ratios only.`,
          ]
        : [],
  };
}

async function replay(
  url: string,
  rollout: Rollout,
  name: string,
  mode: 'ws-delta' | 'http-full' = 'ws-delta',
): Promise<number[]> {
  const { instructions, tools } = mode === 'http-full' ? rollout : { instructions: '', tools: [] };
  const driver = await openDriver(mode, { url }, { model: name, instructions, tools });
  const times: number[] = [];
  for (const { input } of rollout.turns) times.push((await driver.turn(input)).totalMs);
  driver.close();
  return times;
}

async function replayDirect(url: string, rollout: Rollout, wire: 'session' | 'text'): Promise<number[]> {
  using engine = new DirectEngine(url, rollout, wire);
  const times: number[] = [];
  for (let turn = 0; turn < rollout.turns.length; turn++) times.push(await engine.turn(turn));
  return times;
}

async function measureEcho(echo: { send(frame: string, frames: number): Promise<void> }): Promise<number> {
  const frame = JSON.stringify({ text: 'x'.repeat(480) });
  const times: number[] = [];
  for (let sent = 0; sent < 300; sent++) {
    const start = performance.now();
    await echo.send(frame, 1);
    times.push((performance.now() - start) * 1000);
  }
  return median(times);
}

function late(times: readonly number[]): number[] {
  return times.slice(-lateTurns);
}

function minus(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, index) => value - (b[index] ?? 0));
}

function over(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, index) => value / (b[index] ?? Number.NaN));
}

function distribution(values: readonly number[]): [number, number][] {
  return Array.from({ length: 100 }, (_, percent) => [percent / 100, quantile(values, percent / 100)]);
}
