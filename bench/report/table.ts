/** Figures and goals as tables for a terminal. */
import { median, ratios, type Figure } from '../figures.ts';
import type { Verdict } from './report.ts';

/** Every figure with its range, and its ratio to the floor of the same round. */
export function toTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    `${spread(figure.rounds.map(({ value }) => value))} ${figure.unit}`.trim(),
    ratios(figure).length > 0 ? spread(ratios(figure)) : '',
    figure.floorName ?? '',
  ]);
  return toColumns([['figure', 'median (range)', 'ratio', 'to'], ...rows]);
}

/** The goals of the project, where this run stands, and for what was missed what stands in the way. */
export function toGoalTable(goals: readonly Verdict[]): string {
  const rows = goals.map((verdict) => [
    verdict.id,
    toGoalName(verdict),
    verdict.floor ?? '',
    verdict.value ?? 'not measured',
    verdict.isReached === null ? '' : verdict.isReached ? 'reached' : 'not reached',
  ]);
  const table = toColumns([['', 'goal', 'floor in this run', 'Longwire', ''], ...rows]);
  const missed = goals.flatMap((verdict) =>
    verdict.hint === null ? [] : [`${verdict.id}  ${toGoalName(verdict)}\n     ${verdict.hint}`],
  );
  return missed.length === 0 ? table : `${table}\n\nNot reached, and what stands in the way:\n${missed.join('\n')}`;
}

/** A goal in words, with a mark where it is a moonshot. */
export function toGoalName({ goal, isMoonshot }: Verdict): string {
  return isMoonshot ? `${goal} (moonshot)` : goal;
}

/** Median and range, such as `1.82 (1.70–2.11)`; a single value stands alone. */
export function spread(values: readonly number[]): string {
  const middle = toText(median(values));
  if (values.length < 2) return middle;
  return `${middle} (${toText(Math.min(...values))}–${toText(Math.max(...values))})`;
}

/** Three digits that matter; thousands are separated. */
export function toText(value: number): string {
  if (Number.isNaN(value)) return '–';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function toColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const [head = [], ...rest] = rows;
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rest.map(line)].join('\n');
}
