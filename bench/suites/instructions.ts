/** Instructions, bytes and calls of a turn (O2, O3, O11, G2, G3): figures that a busy machine does not disturb. */
import { median, toFigure, type Figure } from '../figures.ts';
import { hasCallgrind } from '../instructions/callgrind.ts';
import { measureTraffic, type Traffic } from '../instructions/held.ts';
import { countHistoryFactors, type HistoryFactors } from '../instructions/history.ts';
import { measureCosts, type Costs } from '../instructions/measure.ts';
import type { Findings, SuiteOptions } from './suite.ts';

/** Runs the suite: minutes with valgrind, a second without. */
export async function measureInstructions({ progress }: SuiteOptions): Promise<Findings> {
  progress('bytes and calls of a turn');
  const traffic = toTrafficFigures(await measureTraffic());
  if (!hasCallgrind())
    return { figures: traffic, plots: [], notes: ['Instructions were not counted: valgrind is not installed.'] };
  progress('instructions: a turn and an event under callgrind');
  const costs = toCostFigures(await measureCosts());
  progress('instructions: a turn behind a long history');
  const factors = toFactorFigures(await countHistoryFactors());
  return { figures: [...costs, ...factors, ...traffic], plots: [], notes: [] };
}

function toCostFigures({ bareTurn, turn, event }: Costs): Figure[] {
  const unit = 'instructions';
  const floor = median(bareTurn);
  return [
    toFigure({ id: 'cost.bareTurnInstructions', name: 'bare ws turn, 500 B in, 100 B out', unit }, bareTurn),
    toFigure(
      {
        id: 'cost.turnInstructions',
        name: 'continuation turn of airline-27, about 40 events',
        unit,
        floorName: 'bare ws turn',
      },
      turn,
      turn.map(() => floor),
    ),
    toFigure({ id: 'cost.eventInstructions', name: 'one more text delta', unit }, event),
  ];
}

function toFactorFigures({ historyFactor, tokenHistoryFactor }: HistoryFactors): Figure[] {
  const chat = 'the same turn behind 1.3 MB of history, to 0.3 MB';
  const tokens = 'a turn of a token-id engine behind 500,000 tokens, to 10,000';
  return [
    toFigure({ id: 'cost.historyFactor', name: chat, unit: '' }, [historyFactor]),
    toFigure({ id: 'cost.tokenHistoryFactor', name: tokens, unit: '' }, [tokenHistoryFactor]),
  ];
}

/** Without calls where the system does not count them. */
function toTrafficFigures(traffic: Traffic): Figure[] {
  const lines = [
    { id: 'bytesUpPerTurn', name: 'up a turn, airline-27, new items only', unit: 'B' },
    { id: 'bytesDownPerTurn', name: 'down a turn', unit: 'B' },
    { id: 'readsPerTurn', name: 'read calls a turn', unit: '' },
    { id: 'writesPerTurn', name: 'write calls a turn', unit: '' },
  ] as const;
  return lines
    .filter(({ id }) => !Number.isNaN(traffic[id]))
    .map(({ id, name, unit }) => toFigure({ id: `cost.${id}`, name, unit }, [traffic[id]]));
}
