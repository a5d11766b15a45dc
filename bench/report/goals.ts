/** The goals that this benchmark can judge, each against the floor of the same run. */
import { median, ratios, type Figure } from '../figures.ts';
import type { Verdict } from './report.ts';
import { spread, toText } from './table.ts';

interface Goal {
  readonly id: string;
  readonly goal: string;
  /** Ids of figures, or how they begin; the first that the run has is judged. */
  readonly figures: readonly string[];
  /** `ratio`: of the figure to its floor. */
  readonly of: 'ratio' | 'value';
  readonly isReached: (judged: number) => boolean;
}

const atMost = (limit: number) => (value: number) => value <= limit;
const atLeast = (limit: number) => (value: number) => value >= limit;

const goals: readonly Goal[] = [
  {
    id: 'G1',
    goal: 'added to a turn at 100k tokens, p50: at most 2x a bare hop',
    figures: ['turn.session.added'],
    of: 'ratio',
    isReached: atMost(2),
  },
  {
    id: 'G1',
    goal: 'added to a turn at 100k tokens, p99: at most 1 ms',
    figures: ['turn.session.added.p99'],
    of: 'value',
    isReached: atMost(1000),
  },
  {
    id: 'G2',
    goal: 'instructions of a turn behind 1.3 MB of history, to 0.3 MB: at most 1.1x',
    figures: ['cost.historyFactor'],
    of: 'value',
    isReached: atMost(1.1),
  },
  {
    id: 'G2',
    goal: 'instructions of a turn of a token-id engine behind 500,000 tokens, to 10,000: at most 1.05x',
    figures: ['cost.tokenHistoryFactor'],
    of: 'value',
    isReached: atMost(1.05),
  },
  {
    id: 'G3',
    goal: 'instructions of a turn: at most 4x a bare ws turn',
    figures: ['cost.turnInstructions'],
    of: 'ratio',
    isReached: atMost(4),
  },
  {
    id: 'G4',
    goal: 'CPU of an event: at most 1.5x a bare node:http hop',
    figures: ['events.text.cpu'],
    of: 'ratio',
    isReached: atMost(1.5),
  },
  {
    id: 'G5',
    goal: '24 streams of 1,000 tokens a second: an event at most 5 ms late, p99',
    figures: ['events.crowd.late.p99'],
    of: 'value',
    isReached: atMost(5000),
  },
  {
    id: 'G6',
    goal: 'an event on its way, p50: at most 1.3x a bare hop',
    figures: ['events.session.late'],
    of: 'ratio',
    isReached: atMost(1.3),
  },
  {
    id: 'G6',
    goal: 'an event on its way, p99: at most 2 ms',
    figures: ['events.session.late.p99'],
    of: 'value',
    isReached: atMost(2000),
  },
  {
    id: 'G7',
    goal: 'memory of an idle connection: at most 12 KB',
    figures: ['memory.idle'],
    of: 'value',
    isReached: atMost(12),
  },
  {
    id: 'G8',
    goal: 'memory of a conversation: at most 1.4x its JSON',
    figures: ['memory.history'],
    of: 'ratio',
    isReached: atMost(1.4),
  },
  {
    id: 'G9',
    goal: 'held by a compressed connection after a turn: at most 64 KB',
    figures: ['memory.deflate'],
    of: 'value',
    isReached: atMost(64),
  },
  {
    id: 'G10',
    goal: 'never slower than HTTP keep-alive with a text engine',
    figures: ['saving-text.coding-30.0.', 'saving-text.'],
    of: 'value',
    isReached: atLeast(-2),
  },
  {
    id: 'G11',
    goal: 'coding-90, RTT 0 ms, 1,000 tokens a second: at least 30 % saved',
    figures: ['saving.coding-90.0.1000.500000'],
    of: 'value',
    isReached: atLeast(30),
  },
  {
    id: 'G11',
    goal: 'coding-30, RTT 0 ms, 1,000 tokens a second: at least 20 % saved',
    figures: ['saving.coding-30.0.1000.500000'],
    of: 'value',
    isReached: atLeast(20),
  },
  {
    id: 'G11',
    goal: 'coding-90, RTT 20 ms, 1,000 tokens a second: at least 35 % saved',
    figures: ['saving.coding-90.20.1000.500000'],
    of: 'value',
    isReached: atLeast(35),
  },
  {
    id: 'G11',
    goal: 'coding-30, RTT 20 ms, 1,000 tokens a second: at least 25 % saved',
    figures: ['saving.coding-30.20.1000.500000'],
    of: 'value',
    isReached: atLeast(25),
  },
  {
    id: 'G11',
    goal: 'coding-90, RTT 80 ms, 1,000 tokens a second: at least 40 % saved',
    figures: ['saving.coding-90.80.1000.500000'],
    of: 'value',
    isReached: atLeast(40),
  },
  {
    id: 'G11',
    goal: 'coding-30, RTT 80 ms, 1,000 tokens a second: at least 35 % saved',
    figures: ['saving.coding-30.80.1000.500000'],
    of: 'value',
    isReached: atLeast(35),
  },
  {
    id: 'G12',
    goal: 'our share of a turn of 213 tokens at 4,000 a second, RTT 0: at most 3 % (1.6 ms)',
    figures: ['turn.session.added'],
    of: 'value',
    isReached: atMost(1600),
  },
  {
    id: 'O10',
    goal: 'saving over what is possible: at least 90 %',
    figures: ['saving.'],
    of: 'ratio',
    isReached: atLeast(0.9),
  },
];

/** Every goal; those whose figures a run lacks are told as not measured. */
export function judgeGoals(figures: readonly Figure[]): Verdict[] {
  return goals.map(({ id, goal, figures: wanted, of, isReached }) => {
    const figure = wanted
      .map((start) => figures.find((each) => each.id.startsWith(start)))
      .find((each) => each !== undefined);
    const judged =
      figure === undefined ? [] : of === 'ratio' ? ratios(figure) : figure.rounds.map(({ value }) => value);
    if (figure === undefined || judged.length === 0) return { id, goal, value: null, floor: null, isReached: null };
    const values = spread(figure.rounds.map(({ value }) => value));
    const floors = figure.rounds.flatMap(({ floor }) => (floor === null ? [] : [floor]));
    return {
      id,
      goal,
      value: `${values} ${figure.unit}${of === 'ratio' ? ` = ${toText(median(judged))}x` : ''}`,
      floor: floors.length > 0 ? `${spread(floors)} ${figure.unit}`.trim() : null,
      isReached: isReached(median(judged)),
    };
  });
}
