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
    row(
      '  from them to the end',
      ({ turns }) => sum(turns.map(({ totalMs, firstMs }) => totalMs - firstMs)),
      toSeconds,
    ),
    row('bytes sent', (side) => sum(side.turns.map(({ bytesUp }) => bytesUp)), toBytes),
    row('time to first token, median', (side) => median(firsts(side)), toMs),
    row('  in the last ten turns', (side) => median(firsts(side).slice(-10)), toMs),
  ];
}

/** The table for a terminal of 80 columns. */
export function toSummary(race: Race): string {
  return toColumns(toSummaryRows(race), 'right');
}

/** How much of the waiting is saved, here and with a model of ordinary pace. */
export function toSavings({ options: { rollout, rate }, sides: [left, right] }: Race): string {
  const [wallMs, otherMs] = [left.wallMs ?? Number.NaN, right.wallMs ?? Number.NaN];
  const savedMs = wallMs - otherMs;
  const tokens = sum(rollout.turns.map(({ outputTokens }) => outputTokens));
  const slowMs = wallMs + 1000 * tokens * (1 / ordinaryRate - 1 / rate);
  return (
    `${rollout.name}: ${toSeconds(savedMs)} of ${toSeconds(wallMs)} saved (${toPercent(savedMs / wallMs)}). With a model of ` +
    `${ordinaryRate} tokens a second the same ${toSeconds(savedMs)} would be ${toPercent(savedMs / slowMs)} of the waiting.`
  );
}

/** What the figures show, and what they do not. */
export function toNotes({ rttMs, pauseMs, deflate, rate }: Omit<RaceOptions, 'rollout'>): string[] {
  const link =
    rttMs === 0
      ? 'the link is loopback'
      : `the link is a model of TCP with a round trip of ${rttMs} ms, which closes its window while tools run ` +
        `(${toSeconds(pauseMs)}, which nobody waits for); no TLS, no loss, no limit of bandwidth`;
  return [
    `Simulated: the engine replays the rollout at ${rate.toLocaleString('en')} tokens a second and takes no time to read; ${link}. ` +
      'Real: two servers alike, the clients, every byte. airline-27 was recorded; coding rollouts have recorded sizes and made-up words.',
    'Both sides send tools and instructions with every turn. ' +
      (deflate
        ? 'Frames are deflated, as Codex and browsers do it; bodies of HTTP requests are not, as hardly any client does it.'
        : ''),
    'What a real engine adds, and links without a model: docs/performance.md.',
  ];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function toPercent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
