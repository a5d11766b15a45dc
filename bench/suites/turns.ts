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
import { measureQuietness } from '../machine.ts';
import { playRounds, toRoundNotes, type PlayedRounds } from '../rounds.ts';
import { loadWorkload } from '../workloads/load.ts';
import type { Rollout } from '../../packages/server/src/workloads/coding.ts';
import type { Findings, SuiteOptions } from './suite.ts';

const model = 'coding-170-brief+130';
/** Turns at the beginning and at the end that are compared. The first ones open connections; a 99th percentile needs the many of the end. */
const early = [5, 25] as const;
const lateTurns = 150;
/** Rounds of full histories over HTTP: they take most of the time and differ most, so a few are enough. */
const historyRounds = 2;

type Way = 'direct.session' | 'direct.text' | 'bare' | 'session' | 'text';
/** Ways that are drawn, in the same order and so in the same colours everywhere. */
const drawn = ['http', 'text', 'session', 'bare'] as const;
const wayNames = {
  http: 'HTTP, full history',
  text: 'WebSocket, text engine',
  session: 'WebSocket, session engine',
  bare: 'bare Node hop',
} as const;
/** Milliseconds of each turn, in each way. */
type RoundTimes = Record<Way, number[]>;
type HistoryTimes = Record<'http' | 'session', number[]>;

/** Runs the suite. */
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
  };

  const echoUs: number[] = [];
  const played = await playRounds({
    rounds,
    measureQuietness: () => measureQuietness(echo),
    announce: (name) => progress(`turns: ${name}`),
    async play() {
      const times = {} as RoundTimes;
      for (const way of shuffled(Object.keys(ways) as Way[])) times[way] = await ways[way]();
      echoUs.push(await measureEcho(echo));
      return times;
    },
  });
  const histories = await playRounds({
    rounds: historyRounds,
    measureQuietness: () => measureQuietness(echo),
    announce: (name) => progress(`turns with their full history: ${name}`),
    play: async () => ({
      http: await replay(longwire.url, rollout, model, 'http-full'),
      session: await ways.session(),
    }),
  });
  return toFindings(played, histories.results, echoUs, longwire.startMs, rollout);
}

function toFindings(
  played: PlayedRounds<RoundTimes>,
  histories: readonly HistoryTimes[],
  echoUs: readonly number[],
  startMs: number,
  rollout: Rollout,
): Findings {
  const all = played.results;
  const added = (way: Way, floor: Way, share: number) =>
    all.map((times) => 1000 * quantile(late(minus(times[way], times[floor])), share));
  const bareAdded = added('bare', 'direct.session', 0.5);
  const bareAddedTail = added('bare', 'direct.session', 0.99);
  const flat = (way: Way, part: (times: readonly number[]) => number[]) =>
    all.map((times) => median(part(over(times[way], times.bare))));
  const beginning = (times: readonly number[]) => times.slice(...early);
  const of = (way: Way | 'http') =>
    way === 'http' ? histories.map(({ http }) => http) : all.map((times) => times[way]);
  const curve = (way: Way | 'http') =>
    rollout.turns.map(({ contextTokens }, turn): [number, number] => [
      contextTokens,
      median(of(way).flatMap((times) => times[turn] ?? [])),
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
        { id: 'turn.session.flat', name: 'turns behind 100k tokens, to a bare hop', unit: '', floorName: head },
        flat('session', late),
        flat('session', beginning),
      ),
      toFigure(
        {
          id: 'turn.http.late',
          name: 'a turn behind 100k tokens, full history over HTTP',
          unit: 'ms',
          floorName: 'WebSocket, new items',
        },
        histories.map(({ http }) => median(late(http))),
        histories.map(({ session }) => median(late(session))),
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
          points: distribution(of(way).flatMap(late)),
        })),
      },
    ],
    notes: toRoundNotes('turns', played),
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
