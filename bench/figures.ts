/** Numbers of a run: a figure in each round beside its floor in the same round. */

export { median, quantile } from '../packages/server/src/cli/quantile.ts';

/** A figure in one round. */
export interface Round {
  readonly value: number;
  /** What the least possible would have been in the same seconds; null where there is no such thing. */
  readonly floor: number | null;
}

/** One line of the report. */
export interface Figure {
  /** Stable, such as `turn.session.added.p50`: goals and gates refer to it. */
  readonly id: string;
  readonly name: string;
  readonly unit: '' | 'us' | 'ms' | 's' | '/s' | 'B' | 'KB' | '%' | 'RTT' | 'instructions';
  readonly rounds: readonly Round[];
  readonly floorName: string | null;
}

/** A figure of one value a round, and of one floor a round. */
export function toFigure(
  { id, name, unit, floorName = null }: Omit<Figure, 'rounds' | 'floorName'> & { floorName?: string | null },
  values: readonly number[],
  floors: readonly number[] | null = null,
): Figure {
  return {
    id,
    name,
    unit,
    floorName,
    rounds: values.map((value, round) => ({ value, floor: floors?.[round] ?? null })),
  };
}

/** Per-round ratios to the floor. The report shows their median, never a ratio of medians. */
export function ratios(figure: Figure): number[] {
  return figure.rounds.flatMap(({ value, floor }) => (floor === null || floor <= 0 ? [] : [value / floor]));
}

/** A list in another order, for rounds that must not always begin with the same server. */
export function shuffled<T>(list: readonly T[], random: () => number = Math.random): T[] {
  return list
    .map((value) => ({ value, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ value }) => value);
}
