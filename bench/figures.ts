/** Numbers of a run, and how they are said. */

/** The value below which a share of the numbers lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** One line of the report: a figure in each round, and its ratio to the floor of the same round. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly rounds: readonly { readonly value: number; readonly floor: number | null }[];
  readonly floorName: string;
}

/** Median and range, such as `1.82 (1.70–2.11)`. */
export function spread(values: readonly number[], digits = 2): string {
  const round = (value: number) => value.toFixed(digits);
  return `${round(median(values))} (${round(Math.min(...values))}–${round(Math.max(...values))})`;
}

/** The report as a table for the terminal. Ratios are medians of per-round ratios, never ratios of medians. */
export function toTable(figures: readonly Figure[]): string {
  const head = ['figure', 'unit', 'median (range)', 'ratio to the floor', 'floor'];
  const rows = figures.map(({ name, unit, rounds, floorName }) => {
    const ratios = rounds.flatMap(({ value, floor }) => (floor === null ? [] : [value / floor]));
    return [
      name,
      unit,
      spread(
        rounds.map(({ value }) => value),
        unit === '/s' ? 0 : 2,
      ),
      ratios.length > 0 ? spread(ratios) : '–',
      floorName,
    ];
  });
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}
