/**
 * What a user waits for a whole rollout (O9, O10, G10, G11): the same turns in every way, side by side over one link, with an engine that
 * takes its time. API time is what the client waits; the tools' time is left out of it and stands between the turns all the same, because a
 * pause costs TCP its window.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { benchModeNames, openDriver, type BenchMode } from '../../packages/server/src/cli/bench-driver.ts';
import { paced, withFrontEnd, type Pace } from '../engine/cost.ts';
import { sessionSuffix } from '../engine/session-engine.ts';
import { median, toFigure, type Figure } from '../figures.ts';
import { openLink, type Access, type Link } from '../link/link.ts';
import { loadWorkload } from '../workloads/load.ts';
import type { Rollout } from '../../packages/server/src/workloads/coding.ts';
import type { Findings, SuiteOptions } from './suite.ts';

/** One rollout over one link. */
interface Scene {
  readonly workload: string;
  readonly rttMs: number;
  readonly paceName: string;
  readonly pace: Pace;
  /** Pause before each turn; `recorded` takes the workload's own, cut off at two seconds. */
  readonly gapMs: number | 'recorded';
}

/** A way through it. */
interface Lane {
  readonly id: string;
  readonly name: string;
  readonly mode: BenchMode;
  readonly engine: 'text' | 'session';
  readonly server: 'longwire' | 'bare';
}

const lanes: readonly Lane[] = [
  ...(['http-new', 'http-full', 'http-previous', 'ws-codex', 'ws-codex-deflate', 'ws-delta'] as const).map(
    (mode): Lane => ({ id: mode, name: benchModeNames[mode], mode, engine: 'text', server: 'longwire' }),
  ),
  {
    id: 'ws-session',
    name: 'WebSocket, new items only, session engine',
    mode: 'ws-delta',
    engine: 'session',
    server: 'longwire',
  },
  { id: 'ideal', name: 'the same through a bare hop', mode: 'ws-delta', engine: 'session', server: 'bare' },
];

/** What one way took. */
interface LaneResult {
  readonly lane: Lane;
  readonly apiS: number;
  readonly firstMs: number;
  readonly bytesUp: number;
}

/** Runs the scenes one after another. */
export async function measureRollouts({ full, progress }: SuiteOptions): Promise<Findings> {
  const figures: Figure[] = [];
  const notes: string[] = [];
  const results: { scene: Scene; lanes: readonly LaneResult[] }[] = [];
  const scenes = full ? fullScenes() : defaultScenes();
  for (const [index, scene] of scenes.entries()) {
    progress(`rollouts: ${toTitle(scene)} (${index + 1} of ${scenes.length})`);
    await using link = await openLink(scene.rttMs);
    if (link.kind === 'model')
      notes.push(`RTT ${scene.rttMs} ms is a model: a real link needs Linux, root, ip, cc, openssl.`);
    const found = await playScene(scene, link);
    results.push({ scene, lanes: found });
    figures.push(...toFigures(scene, found));
  }
  return { figures, plots: toPlots(results), notes: [...new Set(notes)] };
}

function defaultScenes(): Scene[] {
  const scene = { workload: 'coding-30', gapMs: 100, pace: withFrontEnd(1000), paceName: '1,000 tokens a second' };
  return [0, 80].map((rttMs) => ({ ...scene, rttMs }));
}

/** Rates, round trips, front ends from free to slow, and three lengths: about half an hour. */
function fullScenes(): Scene[] {
  const scenes: Scene[] = [];
  for (const rttMs of [0, 20, 80]) {
    for (const rate of [1000, 4000]) {
      const paceName = `${rate.toLocaleString('en')} tokens a second`;
      scenes.push({ workload: 'coding-90', rttMs, pace: withFrontEnd(rate), paceName, gapMs: 300 });
      scenes.push({
        workload: 'coding-30',
        rttMs,
        pace: paced(rate),
        paceName: `${paceName}, no front end`,
        gapMs: 300,
      });
    }
  }
  for (const [perSecond, name] of [
    [0, 'free'],
    [2_000_000, '2M tokens a second'],
  ] as const) {
    const paceName = `1,000 tokens a second, front end ${name}`;
    scenes.push({ workload: 'coding-90', rttMs: 20, pace: withFrontEnd(1000, perSecond), paceName, gapMs: 300 });
  }
  const slow = { pace: withFrontEnd(65), paceName: '65 tokens a second', gapMs: 300 };
  scenes.push({ workload: 'airline-27', rttMs: 20, ...slow });
  const fast = { pace: withFrontEnd(1000), paceName: '1,000 tokens a second' };
  scenes.push({ workload: 'coding-30', rttMs: 80, ...fast, gapMs: 'recorded' });
  scenes.push({ workload: 'coding-170', rttMs: 20, ...fast, gapMs: 300 });
  return scenes;
}

async function playScene(scene: Scene, link: Link): Promise<LaneResult[]> {
  const rollout = loadWorkload(scene.workload);
  await using engine = await link.start('engine/main.ts', [scene.workload, '--pace', JSON.stringify(scene.pace)]);
  const args = ['--engine', engine.url, '--models', scene.workload, '--store', 'memory'];
  await using longwire = await link.start('servers/longwire.ts', args);
  await using bare = await link.start('servers/bare-hop.ts', [engine.url]);
  const access = { longwire: await link.expose(longwire), bare: await link.expose(bare) };
  // A disturbance of the machine then meets all of them.
  return await Promise.all(lanes.map((lane) => playLane(lane, access[lane.server], rollout, scene)));
}

async function playLane(lane: Lane, access: Access, rollout: Rollout, scene: Scene): Promise<LaneResult> {
  const model = lane.engine === 'session' ? rollout.name + sessionSuffix : rollout.name;
  const { instructions, tools } = rollout;
  const driver = await openDriver(lane.mode, access, { model, instructions, tools });
  let apiMs = 0;
  const firsts: number[] = [];
  let bytesUp = 0;
  for (const [turn, { input }] of rollout.turns.entries()) {
    const gapMs = scene.gapMs === 'recorded' ? (rollout.gapsMs[turn] ?? 0) : scene.gapMs;
    if (turn > 0 && gapMs > 0) await sleep(gapMs);
    const times = await driver.turn(input);
    apiMs += times.totalMs;
    firsts.push(times.firstMs);
    bytesUp += times.bytesUp;
  }
  driver.close();
  return { lane, apiS: apiMs / 1000, firstMs: median(firsts), bytesUp: bytesUp / rollout.turns.length };
}

function toFigures(scene: Scene, found: readonly LaneResult[]): Figure[] {
  const time = (id: string) => found.find(({ lane }) => lane.id === id)?.apiS ?? Number.NaN;
  const title = toTitle(scene);
  const key = `${scene.workload}.${scene.rttMs}.${scene.pace.tokensPerSecond}.${scene.pace.frontEndPerSecond}.${scene.gapMs}`;
  const saving = (id: string, base: string) => 100 * (1 - time(id) / time(base));
  return [
    ...found.map(({ lane, apiS }) =>
      toFigure(
        { id: `rollout.${key}.${lane.id}`, name: `${title}: ${lane.name}`, unit: 's', floorName: 'HTTP keep-alive' },
        [apiS],
        [time('http-full')],
      ),
    ),
    toFigure(
      { id: `saving.${key}`, name: `${title}: saved by an incremental engine`, unit: '%', floorName: 'ideal' },
      [saving('ws-session', 'http-full')],
      [saving('ideal', 'http-full')],
    ),
    toFigure({ id: `saving-text.${key}`, name: `${title}: saved with a text engine`, unit: '%' }, [
      saving('ws-codex', 'http-full'),
    ]),
  ];
}

function toPlots(results: readonly { scene: Scene; lanes: readonly LaneResult[] }[]): Findings['plots'] {
  const groups = Map.groupBy(results, ({ scene }) => `${scene.workload}, ${scene.paceName}`);
  const saving = (id: string, found: readonly LaneResult[]) => {
    const time = (of: string) => found.find(({ lane }) => lane.id === of)?.apiS ?? Number.NaN;
    return 100 * (1 - time(id) / time('http-full'));
  };
  const series = [...groups].flatMap(([name, group]) =>
    [
      { id: 'ws-session', label: 'session engine' },
      { id: 'ws-codex', label: 'text engine' },
    ].map(({ id, label }) => ({
      name: `${name}, ${label}`,
      points: group.map(({ scene, lanes: found }): [number, number] => [scene.rttMs, saving(id, found)]),
    })),
  );
  const plots: Findings['plots'][number][] = [
    { id: 'saving-rtt', title: 'API time saved over HTTP keep-alive', x: 'round trip, ms', y: '%', series },
  ];
  const rates = [...Map.groupBy(results, ({ scene }) => `${scene.workload}, RTT ${scene.rttMs} ms`)]
    .map(([name, group]) => ({
      name,
      points: group.map(({ scene, lanes: found }): [number, number] => [
        scene.pace.tokensPerSecond,
        saving('ws-session', found),
      ]),
    }))
    .filter(({ points }) => new Set(points.map(([rate]) => rate)).size > 1);
  if (rates.length > 0) {
    plots.push({
      id: 'saving-rate',
      title: 'API time saved against the pace of the model',
      x: 'tokens a second',
      y: '%',
      series: rates,
      logX: true,
    });
  }
  return plots;
}

function toTitle({ workload, rttMs, paceName, gapMs }: Scene): string {
  return `${workload}, ${paceName}, RTT ${rttMs} ms, ${gapMs === 'recorded' ? 'recorded' : `${gapMs} ms`} tools`;
}
