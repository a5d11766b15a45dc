import { expect, test } from 'vitest';
import { median, quantile, ratios, shuffled, toFigure } from '../../../../bench/figures.ts';
import { spread, toTable, toText } from '../../../../bench/report/table.ts';

test('a quantile is a value of the list, and NaN of none', () => {
  expect(quantile([5, 1, 3, 2, 4], 0.5)).toBe(3);
  expect(quantile([5, 1, 3, 2, 4], 0.99)).toBe(5);
  expect(quantile([5, 1, 3, 2, 4], 1)).toBe(5);
  expect(median([])).toBeNaN();
});

test('ratios are those of each round, not of the medians', () => {
  const figure = toFigure({ id: 'a', name: 'A', unit: 'us', floorName: 'floor' }, [10, 40, 9], [10, 10, 3]);
  expect(ratios(figure)).toEqual([1, 4, 3]);
  // The ratio of the medians would be 1.
  expect(median(ratios(figure))).toBe(3);
});

test('a round without a floor has no ratio', () => {
  expect(ratios(toFigure({ id: 'a', name: 'A', unit: 'us' }, [10, 20]))).toEqual([]);
  expect(ratios(toFigure({ id: 'a', name: 'A', unit: 'us', floorName: 'floor' }, [10, 20], [0, 5]))).toEqual([4]);
});

test('shuffling keeps every server and follows its random numbers', () => {
  const numbers = [0.9, 0.1, 0.5];
  expect(shuffled(['a', 'b', 'c'], () => numbers.shift() ?? 0)).toEqual(['b', 'c', 'a']);
});

test('numbers keep three digits that matter', () => {
  expect([1.234, 12.34, 1234.5, Number.NaN].map(toText)).toEqual(['1.23', '12.3', '1,235', '–']);
  expect(spread([1, 2, 4])).toBe('2.00 (1.00–4.00)');
  expect(spread([3])).toBe('3.00');
});

test('the table names the floor beside the ratio to it', () => {
  const figure = toFigure({ id: 'a', name: 'a turn', unit: 'us', floorName: 'bare hop' }, [20, 30], [10, 10]);
  const [head, , line] = toTable([figure]).split('\n');
  expect(head).toMatch(/^figure +median \(range\) +ratio +to$/);
  expect(line).toMatch(/^a turn +30\.0 \(20\.0–30\.0\) us +3\.00 \(2\.00–3\.00\) +bare hop$/);
});
