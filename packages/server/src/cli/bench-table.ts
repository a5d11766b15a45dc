/** The answer of `longwire bench`. */
import { benchModeNames, type BenchMode, type TurnTimes } from './bench-driver.ts';
import { toColumns } from './columns.ts';
import { median } from './quantile.ts';

/** All turns of one mode, over all rounds. */
export interface ModeTimes {
  readonly mode: BenchMode;
  readonly turns: TurnTimes[];
  /** Why it ended early; null when it did not. */
  failure: string | null;
}

/** One line a mode: time to the first delta, time of a turn, bytes up, and what a turn saves over the first mode. */
export function toBenchTable(results: readonly ModeTimes[]): string {
  const measured = results.filter(({ turns }) => turns.length > 0);
  const base = measured[0] && mean(measured[0].turns.map(({ totalMs }) => totalMs));
  const rows = measured.map(({ mode, turns }) => {
    const total = turns.map(({ totalMs }) => totalMs);
    const saved = base === undefined ? 0 : 100 * (1 - mean(total) / base);
    return [
      benchModeNames[mode],
      median(turns.map(({ firstMs }) => firstMs)).toFixed(1),
      median(total).toFixed(1),
      (mean(turns.map(({ bytesUp }) => bytesUp)) / 1000).toFixed(1),
      `${saved.toFixed(0)} %`,
    ];
  });
  const head = ['mode', 'first delta, ms', 'turn, ms', 'up, KB', 'saved'];
  return `${toColumns([head, ...rows])}\n`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
