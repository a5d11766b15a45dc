/** What a race has shown, as a table and as the sentences without which it would mislead. */
import { toColumns } from '../columns.ts';
import { median } from '../quantile.ts';
import type { Race, RaceOptions, Side } from './race.ts';
import { toBytes, toMs, toSeconds } from './units.ts';

/** The pace of an ordinary hosted model, for comparison. Tokens a second. */
const ordinaryRate = 65;

/** Rows of the table, its head first: what is measured, both sides, and how many times the left is the right. */
export function toSummaryRows(race: Race): string[][] {
  const [left, right] = race.sides;
  const row = (name: string, measure: (side: Side) => number, unit: (value: number) => string) => {
    const [a, b] = [measure(left), measure(right)];
    return [name, unit(a), unit(b), `${(a / b).toFixed(1)}x`];
  };
  const firsts = ({ turns }: Side) => turns.map(({ firstMs }) => firstMs);
  return [
    [race.options.rollout.name, left.title, right.title, ''],
    row('wall time', (side) => side.wallMs ?? Number.NaN, toSeconds),
    row('  until the first tokens', (side) => sum(firsts(side)), toSeconds),
    row('  while the model writes', writingMs, toSeconds).with(3, ''),
    row('bytes sent', (side) => sum(side.turns.map(({ bytesUp }) => bytesUp)), toBytes),
    row('time to first token, median', (side) => median(firsts(side)), toMs),
    row('  in the last ten turns', (side) => median(firsts(side).slice(-10)), toMs),
  ];
}

/** The table for a terminal of 80 columns. */
export function toSummary(race: Race): string {
  return toColumns(toSummaryRows(race), 'right');
}

/** What the figures show, and what they do not. */
export function toNotes({ rttMs, rate }: Pick<RaceOptions, 'rttMs' | 'rate'>): string[] {
  const link =
    rttMs === 0
      ? 'The link is loopback.'
      : `The link is a model: ${rttMs} ms a round trip, TCP slow start, no TLS, no loss, no limit of bandwidth.`;
  return [
    `Two servers alike, one engine: a replay at ${rate.toLocaleString('en')} tokens a second that takes no time to read. A real engine ` +
      'reads, and gains or loses by how much it is handed again: docs/performance.md.',
    `${link} Tools take no time. Both sides send tools and instructions with every turn.`,
  ];
}

/** How much of the waiting is saved, here and with a model of ordinary pace. */
export function toSavings(race: Race): string {
  const [left, right] = race.sides;
  const [a, b] = [left.wallMs ?? Number.NaN, right.wallMs ?? Number.NaN];
  const savedMs = a - b;
  const slowMs = a - writingMs(left) + (writingMs(left) * race.options.rate) / ordinaryRate;
  return (
    `${race.options.rollout.name}: ${toSeconds(savedMs)} of ${toSeconds(a)} saved (${toPercent(savedMs / a)}). ` +
    `With a model of ${ordinaryRate} tokens a second the same seconds would be ${toPercent(savedMs / slowMs)} of ${toSeconds(slowMs)}.`
  );
}

function writingMs({ turns }: Side): number {
  return sum(turns.map(({ totalMs, firstMs }) => totalMs - firstMs));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function toPercent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
