import { expect, test } from 'vitest';
import { toFigure, type Figure } from '../../../../bench/figures.ts';
import { judgeGoals } from '../../../../bench/report/goals.ts';
import { toPage } from '../../../../bench/report/page.ts';
import { toGoalTable } from '../../../../bench/report/table.ts';
import { escapeHtml, steps, toSvg } from '../../src/cli/plot.ts';
import type { Report } from '../../../../bench/report/report.ts';

const empty: Report = {
  machine: { cpu: '<cpu>', cores: 2, memoryGb: 8, system: 'linux', node: '24' },
  at: '2026-01-01T00:00:00Z',
  figures: [],
  plots: [],
  notes: [],
  goals: [],
};
const turn = { id: 'turn.session.added', name: 'added', unit: 'us', floorName: 'bare hop' } as const;

test('a goal is judged by the median of the per-round ratios', () => {
  const verdict = (values: number[], floors: number[]) =>
    judgeGoals([toFigure(turn, values, floors)]).find(({ goal }) => goal.includes('2x a bare hop'));
  expect(verdict([150, 190, 500], [100, 100, 100])?.isReached).toBe(true);
  expect(verdict([250, 190, 500], [100, 100, 100])?.isReached).toBe(false);
});

test('what was not measured is not judged', () => {
  for (const { value, isReached, hint } of judgeGoals([]))
    expect({ value, isReached, hint }).toEqual({ value: null, isReached: null, hint: null });
});

test('a goal about every scene is judged by the worst one', () => {
  const scene = (rttMs: number, percent: number) =>
    toFigure({ id: `saving-text.coding-87.${rttMs}.1000.500000.300`, name: '', unit: '%' }, [percent]);
  const verdict = (...figures: Figure[]) => judgeGoals(figures).find(({ goal }) => goal.startsWith('never slower'));
  expect(verdict(scene(0, 1), scene(20, 9))).toMatchObject({ isReached: true, value: '1.00 %' });
  expect(verdict(scene(0, 1), scene(20, -9))).toMatchObject({ isReached: false, value: '-9.00 %' });
});

test('what stands in the way is said of a goal that was missed, and of no other', () => {
  const judge = (us: number) => judgeGoals([toFigure(turn, [us], [100])]);
  const missed = judge(500).find(({ goal }) => goal.includes('2x a bare hop'));
  expect(missed?.hint).toMatch(/bare hop/);
  expect(toGoalTable(judge(500))).toContain(
    `Not reached, and what stands in the way:\nG1  ${missed?.goal}\n     ${missed?.hint}`,
  );
  expect(toGoalTable(judge(150))).not.toContain('stands in the way');
  expect(toPage({ ...empty, goals: judge(500) })).toContain(escapeHtml(missed?.hint ?? ''));
});

test('a moonshot is marked as one', () => {
  const figure = toFigure({ id: 'saving.coding-87.0.4000.500000.300', name: '', unit: '%' }, [44]);
  expect(toGoalTable(judgeGoals([figure]))).toMatch(/4,000 tokens a second.*\(moonshot\).*not reached/);
});

test('ticks are round numbers within the range', () => {
  expect(steps(0, 100)).toEqual([0, 20, 40, 60, 80, 100]);
  expect(steps(-3, 12)).toEqual([0, 5, 10]);
});

test('a plot draws a line for each series, and nothing without points', () => {
  const plot = {
    id: 'p',
    title: 'T',
    x: 'x',
    y: 'y',
    series: [
      {
        name: 'a',
        points: [
          [0, 0],
          [10, 5],
        ] as const,
      },
      { name: 'b', points: [[0, 1]] as const },
    ],
  };
  expect(toSvg(plot).match(/<polyline /g)).toHaveLength(2);
  expect(toSvg({ ...plot, series: [] })).toBe('');
});

test('a logarithmic axis has more ticks where it spans little', () => {
  const toPlot = (high: number) => ({
    id: 'p',
    title: 'T',
    x: 'x',
    y: 'y',
    logY: true,
    series: [
      {
        name: 'a',
        points: [
          [0, 0.1],
          [1, high],
        ] as const,
      },
    ],
  });
  const ticks = (high: number) =>
    [...toSvg(toPlot(high)).matchAll(/text-anchor="end">([^<]+)</g)].map(([, tick]) => tick);
  expect(ticks(3)).toEqual(['0.1', '0.2', '0.5', '1', '2']);
  expect(ticks(1000)).toEqual(['0.1', '1', '10', '100', '1,000']);
});

test('the page needs nothing from elsewhere and escapes what it shows', () => {
  const page = toPage({ ...empty, figures: [toFigure({ ...turn, name: '<b>added</b>' }, [1], [1])] });
  expect(page).not.toMatch(/<(script|link|img)|https?:|<b>added|<cpu>/);
});
