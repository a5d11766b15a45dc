import { expect, test } from 'vitest';
import { parseOptions } from '../../../../bench/options.ts';
import { judgeGoals } from '../../../../bench/report/goals.ts';
import { toFigure } from '../../../../bench/figures.ts';
import { toSavingPlots } from '../../../../bench/suites/saving-plots.ts';
import { combine, fullScenes, goalScenes, toKey, toTitle } from '../../../../bench/suites/scenes.ts';

test('rollouts, links and paces are chosen, and what is left out is what the goals are about', () => {
  expect(parseOptions([])?.scenes).toBeNull();
  expect(parseOptions(['--workload', 'coding-90,coding-30', '--rtt', '5'])?.scenes).toEqual({
    workloads: ['coding-90', 'coding-30'],
    rttsMs: [5],
    tokensPerSecond: goalScenes.tokensPerSecond,
  });
});

test.each([
  [['--workload', 'coding-91'], /no rollout coding-91: choose among/],
  [['--rtt', '20,'], /--rtt needs numbers from 0/],
  [['--rtt=-1'], /--rtt needs numbers from 0/],
  [['--rate', 'fast'], /--rate needs numbers from 1/],
])('%j is refused in words', (argv, message) => {
  expect(() => parseOptions(argv)).toThrow(message);
});

test('scenes are each rollout on each link at each pace', () => {
  const scenes = combine({ workloads: ['coding-30', 'coding-87'], rttsMs: [0, 80], tokensPerSecond: [4000] }, false);
  expect(scenes.map(toTitle)).toEqual([
    'coding-30, 4,000 tokens a second, RTT 0 ms, 300 ms tools',
    'coding-30, 4,000 tokens a second, RTT 80 ms, 300 ms tools',
    'coding-87, 4,000 tokens a second, RTT 0 ms, 300 ms tools',
    'coding-87, 4,000 tokens a second, RTT 80 ms, 300 ms tools',
  ]);
});

test('no two scenes of a full run have the same figures, and every goal of a saving has its scene', () => {
  const keys = fullScenes().map(toKey);
  expect(new Set(keys).size).toBe(keys.length);
  const figures = keys.flatMap((key) =>
    ['saving', 'saving-text', 'saving-previous'].map((kind) =>
      toFigure({ id: `${kind}.${key}`, name: key, unit: '%', floorName: 'possible' }, [50], [50]),
    ),
  );
  const verdicts = judgeGoals(figures).filter(({ id }) => ['G10', 'G11', 'O10'].includes(id));
  expect(verdicts.map(({ isReached }) => isReached)).toEqual(verdicts.map(() => true));
});

test('what was measured is drawn beside the arithmetic only where its engine is the same', () => {
  const [scene, ...others] = fullScenes();
  if (!scene) throw new Error('There is no scene.');
  const free = others.find(({ pace }) => pace.frontEndPerSecond === 0) ?? scene;
  const draw = (of: typeof scene) =>
    toSavingPlots([{ scene: of, session: 30, text: 2 }])
      .find(({ id }) => id === 'saving-output')
      ?.series.filter(({ name }) => name.startsWith('measured'));
  expect(draw(scene)).toMatchObject([{ name: 'measured, RTT 0 ms', points: [[expect.closeTo(218.5, 0), 30]] }]);
  expect(draw(free)).toEqual([]);
});
