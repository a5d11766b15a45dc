/** A run as one page that needs nothing else. */
import { median, ratios } from '../figures.ts';
import { escapeHtml, plotStyle, toSvg } from '../../packages/server/src/cli/plot.ts';
import type { Report, Verdict } from './report.ts';
import { spread, toGoalName, toText } from './table.ts';

const style = `
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}body{max-width:76rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2.5rem}p.about{opacity:.7}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #8884;vertical-align:top}td.n{font-variant-numeric:tabular-nums}
.yes{color:#448361}.no{color:#c4554d}${plotStyle}`;

/** The page as HTML. */
export function toPage({ machine, at, figures, plots, notes, goals }: Report): string {
  const about = `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}, Node ${machine.node}, ${at}`;
  const judged = goals.filter(({ isReached }) => isReached !== null);
  const passedOver = [...new Set(goals.filter((goal) => !judged.includes(goal)).map(({ id }) => id))];
  const goalRows = judged.map((verdict) =>
    toRow([verdict.id, toGoalName(verdict), verdict.floor ?? '', verdict.value ?? ''], toMark(verdict)),
  );
  const figureRows = figures.map((figure) => {
    const toFloor = ratios(figure);
    return toRow([
      figure.name,
      `${spread(figure.rounds.map(({ value }) => value))} ${figure.unit}`,
      toFloor.length > 0 ? toText(median(toFloor)) : '',
      figure.floorName ?? '',
    ]);
  });
  const pictures = plots.map(
    (plot) => `<figure><figcaption><b>${escapeHtml(plot.title)}</b></figcaption>${toSvg(plot)}</figure>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Longwire benchmark</title>
<style>${style}</style></head><body>
<h1>Longwire benchmark</h1><p class="about">${escapeHtml(about)}</p>
${notes.map((note) => `<p>${escapeHtml(note)}</p>`).join('\n')}
<h2>Goals</h2><table><tr><th></th><th>goal</th><th>floor in this run</th><th>Longwire</th><th></th></tr>${goalRows.join('\n')}</table>
${passedOver.length > 0 ? `<p class="about">Not measured, or not in every part: ${passedOver.join(', ')}.</p>` : ''}
<h2>Curves</h2><div class="plots">${pictures.join('\n')}</div>
<h2>Figures</h2><table><tr><th>figure</th><th>median (range)</th><th>ratio</th><th>to</th></tr>${figureRows.join('\n')}</table>
</body></html>
`;
}

function toRow(cells: readonly string[], last = ''): string {
  return `<tr>${cells.map((cell) => `<td class="n">${escapeHtml(cell)}</td>`).join('')}${last}</tr>`;
}

function toMark({ isReached, hint }: Verdict): string {
  if (isReached === true) return '<td class="yes">reached</td>';
  return `<td><span class="no">not reached</span>${hint === null ? '' : `<br><small>${escapeHtml(hint)}</small>`}</td>`;
}
