/** Line plots as SVG, without a library. */

const width = 640;
const height = 340;
const margin = { left: 64, right: 16, top: 12, bottom: 44 };
const fewPoints = 12;
const legendLine = 18;
const colours = ['#0b6e99', '#d9730d', '#448361', '#9065b0', '#c14c8a', '#787774', '#cb912f', '#337ea9'];

/** Points of a curve. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** What is to be drawn. */
export interface Plot {
  readonly id: string;
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
  /** Logarithmic axes, where a curve spans decades. */
  readonly logX?: boolean;
  readonly logY?: boolean;
}

/** Rules of style for pages that hold pictures of `toSvg`, side by side in an element of the class `plots`. */
export const plotStyle = `
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(26rem,1fr));gap:2rem}figure{margin:0}svg{width:100%;height:auto}
svg text{font-size:11px;fill:currentColor;opacity:.75}.grid{stroke:#8883}figure ul{list-style:none;margin:0;padding:0;font-size:.85rem}
figure i{display:inline-block;width:.8em;height:.8em;margin-right:.5em;border-radius:2px}`;

/** The picture and its legend. */
export function toSvg(plot: Plot): string {
  const drawn = draw(plot);
  if (drawn === '') return '';
  const legend = plot.series.map(
    ({ name }, index) => `<li><i style="background:${toColour(index)}"></i>${escapeHtml(name)}</li>`,
  );
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(plot.title)}">${drawn}</svg><ul>${legend.join('')}</ul>`;
}

/** The picture as a file of its own, its legend inside: a page that shows it has no style for it. */
export function toSvgFile(plot: Plot): string {
  const legend = plot.series.map(({ name }, index) => {
    const y = height + 6 + legendLine * index;
    return `<rect x="${margin.left}" y="${y}" width="10" height="10" fill="${toColour(index)}"/><text x="${margin.left + 18}" y="${y + 9}">${escapeHtml(name)}</text>`;
  });
  const whole = height + 12 + legendLine * legend.length;
  const style = 'text{font:11px system-ui,sans-serif;fill:#777}.grid{stroke:#8883}';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${whole}" role="img" aria-label="${escapeHtml(plot.title)}"><style>${style}</style>${draw(plot)}${legend.join('')}</svg>\n`;
}

/** Axes and curves, without the element around them; empty where there is nothing to draw. */
function draw(plot: Plot): string {
  const points = plot.series
    .flatMap((series) => series.points)
    .filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  if (points.length === 0) return '';
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const across = createScale(Math.min(...xs), Math.max(...xs), margin.left, width - margin.right, plot.logX ?? false);
  const least = Math.min(...ys);
  const lowest = plot.logY === true ? least : Math.min(0, least);
  const up = createScale(lowest, Math.max(...ys) || 1, height - margin.bottom, margin.top, plot.logY ?? false);
  const lines = plot.series.map(({ points: own }, index) => {
    const places = own
      .filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y))
      .map(([x, y]) => [across.at(x).toFixed(1), up.at(y).toFixed(1)] as const);
    const colour = toColour(index);
    // Where little was measured, a line alone would look like more.
    const dots =
      places.length > fewPoints ? [] : places.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3.5" fill="${colour}"/>`);
    const path = places.map((place) => place.join(',')).join(' ');
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}`;
  });
  const rows = up.ticks.map(
    (y) =>
      `<line x1="${margin.left}" x2="${width - margin.right}" y1="${up.at(y)}" y2="${up.at(y)}" class="grid"/>` +
      `<text x="${margin.left - 8}" y="${up.at(y) + 4}" text-anchor="end">${toLabel(y)}</text>`,
  );
  const columns = across.ticks.map(
    (x) => `<text x="${across.at(x)}" y="${height - margin.bottom + 18}" text-anchor="middle">${toLabel(x)}</text>`,
  );
  const names = `<text x="${width / 2}" y="${height - 6}" text-anchor="middle">${escapeHtml(plot.x)}</text><text x="4" y="${margin.top + 4}">${escapeHtml(plot.y)}</text>`;
  return `${[...rows, ...columns, ...lines].join('')}${names}`;
}

function toColour(index: number): string {
  return colours[index % colours.length] ?? '';
}

/** Ticks are round numbers, but for what binary fractions add to them. */
function toLabel(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 6 });
}

/** Text that stands in HTML as it is. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);
}

interface Scale {
  at(value: number): number;
  readonly ticks: readonly number[];
}

function createScale(low: number, high: number, from: number, to: number, logarithmic: boolean): Scale {
  const shape = (value: number) => (logarithmic ? Math.log10(Math.max(value, 1e-9)) : value);
  const span = shape(high) - shape(low) || 1;
  const ticks = logarithmic ? powers(low, high) : steps(low, high);
  return { at: (value) => from + ((shape(value) - shape(low)) / span) * (to - from), ticks };
}

/** About five round numbers between two. */
export function steps(low: number, high: number): number[] {
  const rough = (high - low) / 5 || 1;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((each) => each >= rough) ?? rough;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, index) => (first + index) * step);
}

/** Powers of ten between two numbers above 0; below three decades their doubles and fives, too. */
function powers(low: number, high: number): number[] {
  const factors = high / low < 1000 ? [1, 2, 5] : [1];
  const first = Math.floor(Math.log10(low));
  const exponents = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, index) => first + index);
  return exponents
    .flatMap((exponent) => factors.map((factor) => factor * 10 ** exponent))
    .filter((value) => value >= low && value <= high);
}
