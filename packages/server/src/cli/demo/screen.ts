/** A race while it runs: two halves of a screen of 80 columns, or a line where nobody watches. */
import { median } from '../quantile.ts';
import type { Race, Side } from './race.ts';
import { toBytes, toMs, toSeconds } from './units.ts';

/** What the screen needs. */
export const screenColumns = 78;
export const screenRows = 14;
/** Columns of one half. */
const half = 37;
const chartRows = 4;
const eighths = ' ▁▂▃▄▅▆▇█';
/** Of the halves: blue and yellow, as on the page. */
const colours = ['\u001B[34m', '\u001B[33m'] as const;
const reset = '\u001B[39m';

/** The screen as lines. `place` says which race this is, such as `2 of 2`. */
export function toScreen(race: Race, place: string, colour: boolean): string[] {
  const { rollout, rttMs, rate } = race.options;
  const calls = rollout.turns.flatMap(({ output }) => output).filter(({ type }) => type === 'function_call').length;
  const title = `${rollout.name} (${place}): ${rollout.turns.length} turns, ${calls} tool calls`;
  const about = `round trip ${rttMs} ms, ${rate.toLocaleString('en')} tokens/s; ${rttMs === 0 ? 'the engine is' : 'engine and link are'} simulated`;
  const peakMs = Math.max(1, ...race.sides.flatMap(({ turns }) => turns.map(({ firstMs }) => firstMs)));
  const [left, right] = race.sides.map((side) => toHalf(race, side, peakMs));
  const tint = (text: string, index: 0 | 1) => (colour ? colours[index] + text + reset : text);
  const rows = (left ?? []).map((cell, row) => `${tint(cell, 0)} │ ${tint(right?.[row] ?? '', 1)}`);
  return [title, about, '─'.repeat(half + 1) + '┬' + '─'.repeat(screenColumns - half - 2), ...rows];
}

/** The race in one line, for a pipe or a log. */
export function toProgressLine(race: Race): string {
  const { name, turns } = race.options.rollout;
  const sides = race.sides.map((side) => {
    const way = side.mode.startsWith('http') ? 'HTTP' : 'WebSocket';
    return `${way} ${side.turns.length}/${turns.length}, ${toBytes(bytesUp(side))} sent`;
  });
  return `${toSeconds(race.elapsedMs).padStart(7)}  ${name}: ${sides.join('; ')}`;
}

function toHalf(race: Race, side: Side, peakMs: number): string[] {
  const count = race.options.rollout.turns.length;
  const done = side.turns.length;
  const firsts = side.turns.map(({ firstMs }) => firstMs);
  const newest = side.turns.at(-1);
  const places = `${done}/${count}`;
  const barWidth = half - 1 - `${count}/${count}`.length;
  const bar = '━'.repeat(Math.round((barWidth * done) / count)).padEnd(barWidth, '·');
  const row = (label: string, value: string) => ` ${label.padEnd(25)}${value.padStart(half - 27)} `;
  const known = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? '–' : toMs(value));
  return [
    side.title.padEnd(half),
    `${bar} ${places.padStart(half - 1 - barWidth)}`,
    row(side.wallMs === null ? 'time' : 'time, done', toSeconds(side.wallMs ?? race.elapsedMs)),
    row('sent', toBytes(bytesUp(side))),
    row('first token after', known(newest?.firstMs)),
    row('  median', known(median(firsts))),
    `first token, turn by turn${`to ${toMs(peakMs)}`.padStart(half - 25)}`,
    ...toChart(firsts, count, peakMs),
  ];
}

/** Columns of blocks, all of the half wide; a column is the longest of the turns that it stands for. */
function toChart(values: readonly number[], count: number, peak: number): string[] {
  const levels = Array.from({ length: half }, (_, column) => {
    const from = Math.floor((column * count) / half);
    const to = Math.max(from + 1, Math.floor(((column + 1) * count) / half));
    const known = values.slice(from, to);
    return known.length === 0 ? 0 : Math.max(1, Math.round((Math.max(...known) / peak) * chartRows * 8));
  });
  return Array.from({ length: chartRows }, (_, row) => {
    const floor = (chartRows - 1 - row) * 8;
    return levels.map((level) => eighths[Math.min(8, Math.max(0, level - floor))]).join('');
  });
}

function bytesUp({ turns }: Side): number {
  return turns.reduce((sum, turn) => sum + turn.bytesUp, 0);
}
