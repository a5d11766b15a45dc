/** Races as one page that needs nothing else. */
import { escapeHtml, plotStyle, toSvg, type Plot } from '../plot.ts';
import type { Race, Side } from './race.ts';
import { toSavings, toSummaryRows } from './summary.ts';

const style = `
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}body{max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2.5rem}p{max-width:48rem}p.about{opacity:.7}table{border-collapse:collapse;margin:1rem 0 2rem}
th,td{text-align:right;padding:.3rem 0 .3rem 2rem;border-bottom:1px solid #8884;font-variant-numeric:tabular-nums}
th:first-child,td:first-child{text-align:left;padding-left:0;white-space:pre}${plotStyle}`;

/** The page as HTML. The races have ended. */
export function toDemoPage(races: readonly Race[], notes: readonly string[]): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Longwire demo</title>
<style>${style}</style></head><body>
<h1>One rollout, over HTTP and over a WebSocket</h1>
${notes.map((note) => `<p class="about">${escapeHtml(note)}</p>`).join('\n')}
${races.map(toSection).join('\n')}
</body></html>
`;
}

function toSection(race: Race): string {
  const [head = [], ...rows] = toSummaryRows(race);
  const toRow = (cells: readonly string[], tag: 'td' | 'th') =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  const pictures = [
    toPicture(race, { title: 'Turn time, logarithmic', y: 's', logY: true }, ({ turns }) =>
      turns.map(({ totalMs }) => totalMs / 1000),
    ),
    toPicture(race, { title: 'Time to first token', y: 'ms' }, ({ turns }) => turns.map(({ firstMs }) => firstMs)),
    toPicture(race, { title: 'Waited so far', y: 's' }, toWaited),
    toPicture(race, { title: 'Sent in the turn', y: 'KB' }, ({ turns }) => turns.map(({ bytesUp }) => bytesUp / 1000)),
  ];
  return `<h2>${escapeHtml(race.options.rollout.name)}</h2><p>${escapeHtml(toSavings(race))}</p>
<table>${toRow(head, 'th')}${rows.map((cells) => toRow(cells, 'td')).join('')}</table>
<div class="plots">${pictures.join('\n')}</div>`;
}

function toPicture(race: Race, look: Pick<Plot, 'title' | 'y' | 'logY'>, measure: (side: Side) => number[]): string {
  const series = race.sides.map((side) => ({
    name: side.title,
    points: measure(side).map((value, index): [number, number] => [index + 1, value]),
  }));
  const caption = `<figcaption><b>${escapeHtml(look.title)}</b></figcaption>`;
  return `<figure>${caption}${toSvg({ ...look, id: look.title, x: 'turn', series })}</figure>`;
}

/** Seconds from the first turn's start to each one's end. */
function toWaited({ turns }: Side): number[] {
  let waitedMs = 0;
  return turns.map(({ totalMs }) => (waitedMs += totalMs) / 1000);
}
