/** What rollouts save, against the round trip, the pace of the model, and how much it says a turn. */
import { isDeepStrictEqual } from 'node:util';
import type { Plot, Series } from '../../packages/server/src/cli/plot.ts';
import { loadRollout } from '../../packages/server/src/workloads/rollouts.ts';
import { toClasses, type Quartiles } from '../workloads/session-classes.ts';
import { modelledPace, modelledRtts, readSessions, toSums, type ModelledRtt } from '../workloads/sessions.ts';
import type { Scene } from './scenes.ts';

/** A scene that was played. */
export interface PlayedScene {
  readonly scene: Scene;
  /** Percent of API time over HTTP keep-alive with the full history. */
  readonly session: number;
  readonly text: number;
}

/** The plots of a run. The one against output tokens has the arithmetic over recorded sessions beside what was measured. */
export function toSavingPlots(played: readonly PlayedScene[]): Plot[] {
  const rates = new Set(played.map(({ scene }) => scene.pace.tokensPerSecond));
  return [
    {
      id: 'saving-rtt',
      title: 'API time saved over HTTP keep-alive',
      x: 'round trip, ms',
      y: '%',
      series: [...Map.groupBy(played, ({ scene }) => `${scene.workload}, ${scene.paceName}`)].flatMap(
        ([name, group]) => [
          {
            name: `${name}, session engine`,
            points: group.map(({ scene, session }) => [scene.rttMs, session] as const),
          },
          { name: `${name}, text engine`, points: group.map(({ scene, text }) => [scene.rttMs, text] as const) },
        ],
      ),
    },
    ...(rates.size > 1 ? [toRatePlot(played)] : []),
    toOutputPlot(played),
  ];
}

function toRatePlot(played: readonly PlayedScene[]): Plot {
  const series = [...Map.groupBy(played, ({ scene }) => `${scene.workload}, RTT ${scene.rttMs} ms`)]
    .map(([name, group]) => ({
      name,
      points: group.map(({ scene, session }) => [scene.pace.tokensPerSecond, session] as const),
    }))
    .filter(({ points }) => new Set(points.map(([rate]) => rate)).size > 1);
  return {
    id: 'saving-rate',
    title: 'API time saved against the pace of the model',
    x: 'tokens a second',
    y: '%',
    series,
    logX: true,
  };
}

/** Against the output of a turn: recorded sessions by arithmetic, and beside them the scenes that have its pace and its front end. */
export function toOutputPlot(played: readonly PlayedScene[]): Plot {
  const classes = toClasses(readSessions());
  const modelled = (rttMs: 0 | ModelledRtt, quartile: keyof Quartiles, name: string): Series => ({
    name: `modelled, RTT ${rttMs} ms, ${name}`,
    points: classes.map(({ outputTokens, saving }) => [outputTokens, saving[rttMs][quartile]] as const),
  });
  const comparable = played.filter(({ scene }) => isDeepStrictEqual(scene.pace, modelledPace));
  const measured = [...Map.groupBy(comparable, ({ scene }) => scene.rttMs)].map(([rttMs, group]) => ({
    name: `measured, RTT ${rttMs} ms`,
    points: group.map(({ scene, session }) => [outputPerTurn(scene), session] as const).toSorted(([a], [b]) => a - b),
  }));
  return {
    id: 'saving-output',
    title: 'API time saved against the output of a turn: recorded sessions (modelled) and rollouts (measured)',
    x: 'tokens of output a turn',
    y: '%',
    series: [
      modelled(0, 'lower', 'lower quartile'),
      modelled(0, 'median', 'median'),
      modelled(0, 'upper', 'upper quartile'),
      ...modelledRtts.map((rttMs) => modelled(rttMs, 'median', 'median')),
      ...measured,
    ],
  };
}

function outputPerTurn({ workload }: Scene): number {
  const { outputTokens, turns } = toSums(loadRollout(workload));
  return outputTokens / turns;
}
