/**
 * What an event costs and how late it comes (O4–O6, G4–G6): a stream as fast as it goes, and paced streams side by side whose deltas
 * carry the nanosecond in which the engine wrote them.
 */
import { openDriver } from '../../packages/server/src/cli/bench-driver.ts';
import { startChild, type Child } from '../child.ts';
import { openEcho } from '../echo-client.ts';
import { instant, type Pace } from '../engine/cost.ts';
import { sessionSuffix } from '../engine/session-engine.ts';
import { median, quantile, shuffled, toFigure, type Figure } from '../figures.ts';
import { readProcessStats } from '../process-stats.ts';
import { loadWorkload } from '../workloads/load.ts';
import { measureQuietness } from '../machine.ts';
import { playRounds, toRoundNotes } from '../rounds.ts';
import { readStamps } from './stamps.ts';
import type { Findings, SuiteOptions } from './suite.ts';

const long = 'stream-2000';
const paced = 'stream-1000';
const streamsPerRound = 10;
const tokensPerSecond = 1000;
/** Side by side, where the latency of an event is measured. */
const streams = 8;

/** One server in one round of the saturated stream. */
interface Saturated {
  readonly eventsPerSecond: number;
  /** CPU of the server process, all threads; NaN where /proc does not tell it. */
  readonly cpuUsPerEvent: number;
}

/** Streams that one core should hold (G5). */
const crowd = 24;

/** One round of many streams. */
interface Crowd {
  /** Microseconds on the way, through Longwire and through a bare hop. */
  readonly late: readonly number[];
  readonly bare: readonly number[];
  readonly cpuUs: number;
}

type Way = 'bare' | 'session' | 'text' | 'inside';

/** Runs the suite. */
export async function measureEvents({ rounds, full, progress }: SuiteOptions): Promise<Findings> {
  await using engine = await startChild('./engine/main.ts', { args: [long, paced] });
  await using echoServer = await startChild('./servers/echo.ts');
  await using bare = await startChild('./servers/bare-hop.ts', { args: [engine.url] });
  const args = ['--engine', engine.url, '--models', `${long},${paced}`];
  await using longwire = await startChild('./servers/longwire.ts', { args });
  await using alone = await startChild('./servers/longwire.ts', { args: ['--scripted', long] });
  using echo = await openEcho(echoServer.url);

  const ways: Record<Way, () => Promise<Saturated>> = {
    bare: () => saturate(bare, long + sessionSuffix),
    session: () => saturate(longwire, long + sessionSuffix),
    text: () => saturate(longwire, long),
    inside: () => saturate(alone, long),
  };
  const saturated = await playRounds({
    rounds,
    measureQuietness: () => measureQuietness(echo),
    announce: (name) => progress(`events: ${name}`),
    async play() {
      const ready = await sendReadyFrames(echoServer.url);
      const times = {} as Record<Way, Saturated>;
      for (const way of shuffled(Object.keys(ways) as Way[])) times[way] = await ways[way]();
      return { ready, ...times };
    },
  });

  await setPace(engine.url, { ...instant, tokensPerSecond, stamped: true });
  const lateness = await playRounds({
    rounds: full ? rounds : 3,
    measureQuietness: () => measureQuietness(echo),
    announce: (name) => progress(`events: ${streams} streams at ${tokensPerSecond} tokens a second, ${name}`),
    play: async () => ({
      bare: await readStamps(bare.url, paced + sessionSuffix, streams),
      session: await readStamps(longwire.url, paced + sessionSuffix, streams),
      text: await readStamps(longwire.url, paced, streams),
    }),
  });
  const crowded = await playRounds({
    rounds: full ? rounds : 3,
    measureQuietness: () => measureQuietness(echo),
    announce: (name) => progress(`events: ${crowd} streams at ${tokensPerSecond} tokens a second, ${name}`),
    async play(): Promise<Crowd> {
      const before = readProcessStats(longwire.pid)?.cpuUs ?? Number.NaN;
      const late = await readStamps(longwire.url, paced + sessionSuffix, crowd);
      const busyUs = (readProcessStats(longwire.pid)?.cpuUs ?? Number.NaN) - before;
      return { late, bare: await readStamps(bare.url, paced + sessionSuffix, crowd), cpuUs: busyUs / late.length };
    },
  });
  const found = toFindings(saturated.results, lateness.results);
  return {
    ...found,
    figures: [...found.figures, ...toCrowdFigures(crowded.results)],
    notes: [
      ...toRoundNotes('saturated streams', saturated),
      ...toRoundNotes(`${streams} streams`, lateness),
      ...toRoundNotes(`${crowd} streams`, crowded),
    ],
  };
}

function toFindings(
  saturated: readonly ({ ready: number } & Record<Way, Saturated>)[],
  lateness: readonly Record<'bare' | 'session' | 'text', number[]>[],
): Findings {
  const readyFrames = saturated.map(({ ready }) => ready);
  const of = (way: Way, field: keyof Saturated) => saturated.map((round) => round[way][field]);
  const late = (way: 'bare' | 'session' | 'text', share: number) =>
    lateness.map((round) => quantile(round[way], share));
  const hop = 'bare Node hop';
  const at = `${streams} x ${tokensPerSecond}/s`;
  return {
    figures: [
      toFigure({ id: 'events.ready', name: 'ready frames, one corked write', unit: '/s' }, readyFrames),
      toFigure(
        {
          id: 'events.inside.rate',
          name: 'events of a turn, engine in the process',
          unit: '/s',
          floorName: 'ready frames',
        },
        of('inside', 'eventsPerSecond'),
        readyFrames,
      ),
      toFigure(
        { id: 'events.bare.cpu', name: 'CPU of an event, bare Node hop', unit: 'us' },
        of('bare', 'cpuUsPerEvent'),
      ),
      toFigure(
        { id: 'events.inside.cpu', name: 'CPU of an event, engine in the process', unit: 'us', floorName: hop },
        of('inside', 'cpuUsPerEvent'),
        of('bare', 'cpuUsPerEvent'),
      ),
      toFigure(
        { id: 'events.session.cpu', name: 'CPU of an event, session engine', unit: 'us', floorName: hop },
        of('session', 'cpuUsPerEvent'),
        of('bare', 'cpuUsPerEvent'),
      ),
      toFigure(
        { id: 'events.text.cpu', name: 'CPU of an event, chat-completions engine', unit: 'us', floorName: hop },
        of('text', 'cpuUsPerEvent'),
        of('bare', 'cpuUsPerEvent'),
      ),
      toFigure(
        { id: 'events.bare.late', name: `from the engine to the client, bare hop, ${at}, p50`, unit: 'us' },
        late('bare', 0.5),
      ),
      toFigure(
        { id: 'events.session.late', name: `the same, Longwire, p50`, unit: 'us', floorName: hop },
        late('session', 0.5),
        late('bare', 0.5),
      ),
      toFigure(
        { id: 'events.session.late.p99', name: `the same, Longwire, p99`, unit: 'us', floorName: hop },
        late('session', 0.99),
        late('bare', 0.99),
      ),
    ],
    plots: [
      {
        id: 'event-latency',
        title: `From the engine's write to the client, ${at}`,
        x: 'share of events that are earlier',
        y: 'us',
        logY: true,
        series: (['bare', 'session', 'text'] as const).map((way) => ({
          name: { bare: 'bare Node hop', session: 'Longwire, session engine', text: 'Longwire, text engine' }[way],
          points: Array.from({ length: 100 }, (_, percent): [number, number] => [
            percent / 100,
            quantile(
              lateness.flatMap((round) => round[way]),
              percent / 100,
            ),
          ]),
        })),
      },
    ],
    notes: [],
  };
}

function toCrowdFigures(crowded: readonly Crowd[]): Figure[] {
  const at = `${crowd} x ${tokensPerSecond}/s`;
  return [
    toFigure(
      {
        id: 'events.crowd.late.p99',
        name: `from the engine to the client, ${at}, p99`,
        unit: 'us',
        floorName: 'bare hop',
      },
      crowded.map(({ late }) => quantile(late, 0.99)),
      crowded.map(({ bare }) => quantile(bare, 0.99)),
    ),
    toFigure(
      { id: 'events.crowd.cpu', name: `CPU of an event, ${at}`, unit: 'us' },
      crowded.map(({ cpuUs }) => cpuUs),
    ),
  ];
}

async function saturate(server: Child, model: string): Promise<Saturated> {
  const { turns } = loadWorkload(model.replace(sessionSuffix, ''));
  const before = readProcessStats(server.pid);
  const rates: number[] = [];
  let events = 0;
  for (let sent = 0; sent < streamsPerRound; sent++) {
    const driver = await openDriver('ws-delta', { url: server.url }, { model, instructions: '', tools: [] });
    const times = await driver.turn(turns[0]?.input ?? []);
    driver.close();
    events += times.events;
    rates.push(times.events / (times.totalMs / 1000));
  }
  const after = readProcessStats(server.pid);
  return {
    eventsPerSecond: median(rates),
    cpuUsPerEvent: before && after ? (after.cpuUs - before.cpuUs) / events : Number.NaN,
  };
}

/** Events a second of the least that can be done: the same frame, ready, in one write. */
async function sendReadyFrames(url: string): Promise<number> {
  using echo = await openEcho(url);
  const text = `{"type":"response.output_text.delta","item_id":"msg_${'0'.repeat(50)}","output_index":0,"content_index":0,"delta":"word","logprobs":[],"sequence_number":1000}`;
  const frames = 2000;
  const frame = JSON.stringify({ frames, text });
  const rates: number[] = [];
  for (let sent = 0; sent < streamsPerRound; sent++) {
    const start = performance.now();
    await echo.send(frame, frames);
    rates.push(frames / ((performance.now() - start) / 1000));
  }
  return median(rates);
}

/** Tells the engine process how to spend its time. */
export async function setPace(engineUrl: string, pace: Pace): Promise<void> {
  const reply = await fetch(`${engineUrl}/pace`, { method: 'PUT', body: JSON.stringify(pace) });
  if (!reply.ok) throw new Error(`The engine refused its pace: ${await reply.text()}`);
}
