/** docs/operations.md says what there is. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Metrics } from '../../src/observe/metrics.ts';

const page = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');

/** What `prom-client` keeps of a metric, beside what its types say. */
interface Registered {
  readonly name: string;
  readonly labelNames: readonly string[];
}

const { own } = new Metrics({ byProject: true, version: '0', now: () => 0 });
const registered = (own.getMetricsAsArray() as unknown as readonly Registered[]).map((metric) => {
  const labels = metric.labelNames.filter((label) => label !== 'le');
  return [metric.name, metric.constructor.name.toLowerCase(), ...labels].join(' ');
});

describe('docs/operations.md', () => {
  it('lists every metric with its type and its labels, and no other', () => {
    const rows = [...page.matchAll(/^\| `((?:longwire|gen_ai)_\w+)` \| (\w+) \| ([^|]*)\|/gm)].map(
      ([, name, type, labels = '']) =>
        [name, type, ...[...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label)].join(' '),
    );
    expect(rows.toSorted()).toEqual(registered.toSorted());
  });

  it('asks for nothing that is not there', () => {
    const names = new Set(registered.map((metric) => metric.split(' ', 1)[0] ?? ''));
    const asked = [...page.matchAll(/```promql\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
      [...block.matchAll(/\b(?:longwire|gen_ai_(?:server|client))_\w+/g)].map(([name]) => name),
    );
    expect(asked.length).toBeGreaterThan(8);
    expect(asked.filter((name) => !names.has(name.replace(/_bucket$/, '')))).toEqual([]);
  });
});
