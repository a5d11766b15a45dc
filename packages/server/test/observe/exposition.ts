/** A strict reader of Prometheus' text form (0.0.4): what promtool would refuse, it refuses. */

/** A scrape that was read. */
export interface Exposition {
  /** By name: what `# TYPE` says. */
  readonly types: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
  /** The value of the one series with exactly these labels; 0 where there is none. */
  value(name: string, labels?: Labels): number;
  /** Names and values of a label, over all samples. */
  valuesOf(label: string): ReadonlySet<string>;
}

/** One line. */
export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

type Labels = Readonly<Record<string, string>>;

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const labelPair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/;
const knownTypes: ReadonlySet<string> = new Set(['counter', 'gauge', 'histogram', 'summary', 'untyped']);

/** Throws an `Error` that quotes the line where the form is broken. */
export function parseExposition(text: string): Exposition {
  if (!text.endsWith('\n')) throw new Error('The last line does not end.');
  const types = new Map<string, string>();
  const helps = new Set<string>();
  const samples: Sample[] = [];
  const seen = new Set<string>();
  let family: string | null = null;
  const closed = new Set<string>();
  const enter = (name: string): void => {
    if (name === family) return;
    if (closed.has(name)) throw new Error(`${name} comes in two groups.`);
    if (family !== null) closed.add(family);
    family = name;
  };
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword !== undefined) {
      if (!metricName.test(name)) throw new Error(`A bad name: ${line}`);
      enter(name);
      if (keyword === 'HELP') {
        if (helps.has(name)) throw new Error(`A second help: ${line}`);
        helps.add(name);
      } else {
        if (types.has(name) || !knownTypes.has(rest)) throw new Error(`A second or unknown type: ${line}`);
        types.set(name, rest);
      }
      continue;
    }
    if (line.startsWith('#')) throw new Error(`Neither help nor type: ${line}`);
    const sample = parseSample(line);
    const owner = familyOf(sample.name, types);
    if (owner !== family) throw new Error(`A sample outside of its family: ${line}`);
    const series = seriesOf(sample);
    if (seen.has(series)) throw new Error(`A series comes twice: ${line}`);
    seen.add(series);
    samples.push(sample);
  }
  for (const [name, type] of types) checkFamily(name, type, helps, samples);
  const bySeries = new Map(samples.map((sample) => [seriesOf(sample), sample.value]));
  return {
    types,
    samples,
    value: (name, labels = {}) => bySeries.get(seriesOf({ name, labels })) ?? 0,
    valuesOf: (label) => new Set(samples.flatMap(({ labels }) => labels[label] ?? [])),
  };
}

function parseSample(line: string): Sample {
  const [, name = '', inside = '', written = ''] = sampleLine.exec(line) ?? [];
  if (name === '') throw new Error(`No sample: ${line}`);
  const labels: Record<string, string> = {};
  for (let rest = inside; rest !== '';) {
    const [pair, label = '', value = ''] = labelPair.exec(rest) ?? [];
    if (pair === undefined || label in labels) throw new Error(`Bad labels: ${line}`);
    labels[label] = value.replace(/\\(.)/g, (_, each: string) => (each === 'n' ? '\n' : each));
    rest = rest.slice(pair.length);
  }
  const value = written === '+Inf' ? Infinity : written === '-Inf' ? -Infinity : Number(written);
  if (Number.isNaN(value) && written !== 'NaN' && written !== 'Nan') throw new Error(`No number: ${line}`);
  return { name, labels, value };
}

/** The family of a sample: histograms and summaries have samples with endings of their own. */
function familyOf(name: string, types: ReadonlyMap<string, string>): string {
  const base = name.replace(/_(bucket|sum|count)$/, '');
  const type = types.get(base);
  return type === 'histogram' || (type === 'summary' && !name.endsWith('_bucket')) ? base : name;
}

function checkFamily(name: string, type: string, helps: ReadonlySet<string>, samples: readonly Sample[]): void {
  if (!helps.has(name)) throw new Error(`${name} has no help.`);
  if (type === 'counter') {
    if (!name.endsWith('_total')) throw new Error(`The counter ${name} does not end with _total.`);
    const negative = samples.find((sample) => sample.name === name && !(sample.value >= 0));
    if (negative) throw new Error(`The counter ${name} is below zero.`);
  }
  if (type === 'histogram') checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const own = (ending: string): Sample[] => samples.filter((sample) => sample.name === name + ending);
  const buckets = Map.groupBy(own('_bucket'), ({ labels }) => {
    const { le: _, ...others } = labels;
    return seriesOf({ name, labels: others });
  });
  const sums = new Set(own('_sum').map(({ labels }) => seriesOf({ name, labels })));
  for (const { labels, value: count } of own('_count')) {
    const series = seriesOf({ name, labels });
    const ordered = buckets.get(series) ?? [];
    const bounds = ordered.map((bucket) => (bucket.labels['le'] === '+Inf' ? Infinity : Number(bucket.labels['le'])));
    const values = ordered.map(({ value }) => value);
    if (bounds.at(-1) !== Infinity || values.at(-1) !== count) throw new Error(`${name}: the last bucket is not all.`);
    if (!isGrowing(bounds, true) || !isGrowing(values, false)) throw new Error(`${name}: its buckets do not grow.`);
    if (!sums.has(series)) throw new Error(`${name} has no sum.`);
  }
}

function isGrowing(values: readonly number[], strictly: boolean): boolean {
  return values.every((value, index) => {
    const before = values[index - 1];
    return before === undefined || (strictly ? value > before : value >= before);
  });
}

/** Labels that are empty are as good as absent. */
function seriesOf({ name, labels }: Pick<Sample, 'name' | 'labels'>): string {
  const pairs = Object.entries(labels).filter(([, value]) => value !== '');
  return JSON.stringify([name, ...pairs.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}
