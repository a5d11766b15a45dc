/** Instructions, bytes and calls of a turn (O3, O11, G3): figures that a busy machine does not disturb. */
import { toFigure, type Figure } from '../figures.ts';
import { hasCallgrind } from '../instructions/callgrind.ts';
import { measureTraffic } from '../instructions/held.ts';
import { countHistoryFactors } from '../instructions/history.ts';
import { measureCosts } from '../instructions/measure.ts';
import type { Findings, SuiteOptions } from './suite.ts';

/** Runs the suite: two minutes with valgrind, a second without. */
export async function measureInstructions({ progress }: SuiteOptions): Promise<Findings> {
  const counting = hasCallgrind();
  progress(counting ? 'instructions: a turn and an event under callgrind' : 'bytes and calls of a turn');
  const traffic = await measureTraffic();
  const costs = counting ? await measureCosts() : null;
  const factors = counting ? await countHistoryFactors() : null;
  const line = (id: string, name: string, unit: Figure['unit'], value?: number, floor?: number): Figure[] => {
    if (value === undefined || Number.isNaN(value)) return [];
    const floorName = floor === undefined ? null : 'bare ws turn';
    return [toFigure({ id: `cost.${id}`, name, unit, floorName }, [value], floor === undefined ? null : [floor])];
  };
  const { bareTurn, turn, event } = costs ?? {};
  const { historyFactor, tokenHistoryFactor } = factors ?? {};
  return {
    figures: [
      ...line('bareTurnInstructions', 'bare ws turn, 500 B in, 100 B out', 'instructions', bareTurn),
      ...line('turnInstructions', 'continuation turn of airline-27, about 40 events', 'instructions', turn, bareTurn),
      ...line('eventInstructions', 'one more text delta', 'instructions', event),
      ...line('historyFactor', 'the same turn behind 1.3 MB of history, to 0.3 MB', '', historyFactor),
      ...line(
        'tokenHistoryFactor',
        'a turn of a token-id engine behind 500,000 tokens, to 10,000',
        '',
        tokenHistoryFactor,
      ),
      ...line('bytesUpPerTurn', 'up a turn, airline-27, new items only', 'B', traffic.bytesUpPerTurn),
      ...line('bytesDownPerTurn', 'down a turn', 'B', traffic.bytesDownPerTurn),
      ...line('readsPerTurn', 'read calls a turn', '', traffic.readsPerTurn),
      ...line('writesPerTurn', 'write calls a turn', '', traffic.writesPerTurn),
    ],
    plots: [],
    notes: counting ? [] : ['Instructions were not counted: valgrind is not installed.'],
  };
}
