import { expect, test } from 'vitest';
import { compareCosts, explainBaseline } from '../../../../bench/instructions/gate.ts';

const costs = { turnInstructions: 1000, writesPerTurn: 3, bareTurnInstructions: 100 };

test('growth within the tolerance passes', () => {
  expect(compareCosts(costs, { turnInstructions: 1030, writesPerTurn: 3 })).toEqual([]);
});

test('growth beyond it is named with its figures', () => {
  const [problem, ...others] = compareCosts(costs, { turnInstructions: 1031, writesPerTurn: 2 });
  expect(problem).toContain('turnInstructions grew by 3.1 %: 1031, and the baseline is 1000.');
  expect(others).toEqual([]);
});

test('instructions that grew no more than the bare turn are those of another machine', () => {
  expect(compareCosts(costs, { turnInstructions: 1100, bareTurnInstructions: 108 })).toEqual([]);
  expect(compareCosts(costs, { turnInstructions: 1100, bareTurnInstructions: 105 })).toHaveLength(1);
  expect(compareCosts(costs, { turnInstructions: 1100, bareTurnInstructions: 50 })).toHaveLength(1);
  expect(compareCosts(costs, { writesPerTurn: 4, bareTurnInstructions: 200 })).toHaveLength(1);
});

test('the floor is not held, and figures that are missing are passed over', () => {
  expect(compareCosts(costs, { bareTurnInstructions: 900 })).toEqual([]);
});

test('a raised baseline needs a new reason, a lowered one does not', () => {
  const before = { reason: 'a', node: '24', arch: 'x64', costs };
  const raised = { ...before, costs: { ...costs, turnInstructions: 2000 } };
  expect(explainBaseline(before, raised)).toEqual([
    'The baseline of turnInstructions was raised without a new reason in bench/baseline.json.',
  ]);
  expect(explainBaseline(before, { ...raised, reason: 'b' })).toEqual([]);
  expect(explainBaseline(before, { ...before, costs: { ...costs, turnInstructions: 900 } })).toEqual([]);
  expect(explainBaseline(null, raised)).toEqual([]);
});
