/** Instructions, bytes and calls of a turn (O3, O11, G3): figures that a busy machine does not disturb. */
import { toFigure, type Figure } from '../figures.ts';
import { hasCallgrind } from '../instructions/callgrind.ts';
import { measureCosts, type Costs } from '../instructions/measure.ts';
import type { Findings, SuiteOptions } from './suite.ts';

/** Runs the suite: about a minute with valgrind, a second without. */
export async function measureInstructions({ progress }: SuiteOptions): Promise<Findings> {
  const counting = hasCallgrind();
  progress(counting ? 'instructions: a turn and an event under callgrind' : 'bytes and calls of a turn');
  const costs: Partial<Costs> = await measureCosts(counting ? { floor: true, history: true } : null);
  const bare = costs.bareTurnInstructions;
  const line = (id: keyof Costs, name: string, unit: Figure['unit'], floor?: number): Figure[] => {
    const value = costs[id];
    if (value === undefined || Number.isNaN(value)) return [];
    const floorName = floor === undefined ? null : 'bare ws turn';
    return [toFigure({ id: `cost.${id}`, name, unit, floorName }, [value], floor === undefined ? null : [floor])];
  };
  return {
    figures: [
      ...line('bareTurnInstructions', 'bare ws turn, 500 B in, 100 B out', 'instructions'),
      ...line('turnInstructions', 'continuation turn of airline-27, about 40 events', 'instructions', bare),
      ...line('eventInstructions', 'one more text delta', 'instructions'),
      ...line('historyFactor', 'the same turn behind 1.3 MB of history, to 0.3 MB', ''),
      ...line('tokenHistoryFactor', 'a turn of a token-id engine behind 500,000 tokens, to 10,000', ''),
      ...line('bytesUpPerTurn', 'up a turn, airline-27, new items only', 'B'),
      ...line('bytesDownPerTurn', 'down a turn', 'B'),
      ...line('readsPerTurn', 'read calls a turn', ''),
      ...line('writesPerTurn', 'write calls a turn', ''),
    ],
    plots: [],
    notes: counting ? [] : ['Instructions were not counted: valgrind is not installed.'],
  };
}
