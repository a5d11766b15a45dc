/**
 * What a user waits for a whole rollout (O9, O10, G10, G11): the same turns in every way, side by side over one link, with an engine that
 * takes its time. API time is what the client waits; the tools' time is left out of it and stands between the turns all the same, because a
 * pause costs TCP its window.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { benchModeNames, openDriver, type BenchMode } from '../../packages/server/src/cli/bench-driver.ts';
import { sessionSuffix } from '../engine/session-engine.ts';
import { median, toFigure, type Figure } from '../figures.ts';
import { openLink, type Access, type Link } from '../link/link.ts';
import { readCpuTimes, toBusyShare } from '../machine.ts';
import { loadWorkload } from '../workloads/load.ts';
import type { Rollout } from '../../packages/server/src/workloads/coding.ts';
import { toSavingPlots } from './saving-plots.ts';
import { combine, fullScenes, goalScenes, toKey, toTitle, type Scene } from './scenes.ts';
import type { Findings, SuiteOptions } from './suite.ts';

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

/** What a scene took. */
interface SceneResult {
  readonly scene: Scene;
  readonly lanes: readonly LaneResult[];
  /** Share of the processors' time that was used meanwhile; NaN where the system does not tell. */
  readonly busy: number;
}

/** Where the ways of a scene begin to wait for each other. */
const maxBusy = 0.5;

/** Runs the scenes one after another. */
export async function measureRollouts({ full, scenes: choice, progress }: SuiteOptions): Promise<Findings> {
  const notes = new Set<string>();
  const results: SceneResult[] = [];
  const scenes = choice !== null ? combine(choice, true) : full ? fullScenes() : combine(goalScenes, false);
  for (const [index, scene] of scenes.entries()) {
    progress(`rollouts: ${toTitle(scene)} (${index + 1} of ${scenes.length})`);
    await using link = await openLink(scene.rttMs);
    if (link.kind === 'model')
      notes.add(`RTT ${scene.rttMs} ms is a model: a real link needs Linux, root, ip, cc, openssl.`);
    const before = readCpuTimes();
    const lanes = await playScene(scene, link);
    const busy = toBusyShare(before, readCpuTimes());
    if (busy > maxBusy)
      notes.add(
        `${toTitle(scene)}: ${Math.round(100 * busy)} % of the processors was used; its ways waited for each other.`,
      );
    results.push({ scene, lanes, busy });
  }
  return {
    figures: results.flatMap(toFigures),
    plots: toSavingPlots(
      results.map(({ scene, lanes }) => ({
        scene,
        session: toSaving(lanes, 'ws-session', 'http-full'),
        text: toSaving(lanes, 'ws-codex', 'http-full'),
      })),
    ),
    notes: [...notes],
  };
}

async function playScene(scene: Scene, link: Link): Promise<LaneResult[]> {
  const rollout = loadWorkload(scene.workload);
  await using engine = await link.start('engine/main.ts', [scene.workload, '--pace', JSON.stringify(scene.pace)]);
  const args = ['--engine', engine.url, '--models', scene.workload, '--store', 'memory'];
  await using longwire = await link.start('servers/longwire.ts', args);
  await using bare = await link.start('servers/bare-hop.ts', [engine.url]);
  const access = { longwire: await link.expose(longwire), bare: await link.expose(bare) };
  // A disturbance of the machine then meets all of them.
  const played = lanes.filter(({ mode }) => scene.withNewConnections || mode !== 'http-new');
  return await Promise.all(played.map((lane) => playLane(lane, access[lane.server], rollout, scene)));
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

function toFigures({ scene, lanes: found, busy }: SceneResult): Figure[] {
  const title = toTitle(scene);
  const key = toKey(scene);
  const saved = (id: string, base: string) => [toSaving(found, id, base)];
  return [
    ...found.map(({ lane, apiS }) =>
      toFigure(
        { id: `rollout.${key}.${lane.id}`, name: `${title}: ${lane.name}`, unit: 's', floorName: 'HTTP keep-alive' },
        [apiS],
        [toSeconds(found, 'http-full')],
      ),
    ),
    toFigure(
      { id: `saving.${key}`, name: `${title}: saved by an incremental engine`, unit: '%', floorName: 'possible' },
      saved('ws-session', 'http-full'),
      saved('ideal', 'http-full'),
    ),
    toFigure(
      {
        id: `saving-previous.${key}`,
        name: `${title}: saved over previous_response_id`,
        unit: '%',
        floorName: 'possible',
      },
      saved('ws-session', 'http-previous'),
      saved('ideal', 'http-previous'),
    ),
    toFigure(
      { id: `saving-text.${key}`, name: `${title}: saved with a text engine`, unit: '%' },
      saved('ws-codex', 'http-full'),
    ),
    toFigure({ id: `busy.${key}`, name: `${title}: the processors were busy`, unit: '%' }, [100 * busy]),
  ];
}

/** Percent of API time that a way saves over another one. */
function toSaving(found: readonly LaneResult[], id: string, base: string): number {
  return 100 * (1 - toSeconds(found, id) / toSeconds(found, base));
}

function toSeconds(found: readonly LaneResult[], id: string): number {
  return found.find(({ lane }) => lane.id === id)?.apiS ?? Number.NaN;
}
