/**
 * `node scripts/bench-gate.ts`: a turn may not come to cost more by accident. Instructions of a turn and of an event (callgrind, where it is
 * installed), bytes and calls of a turn may not grow by more than 3 % (an event: 8 %) over `bench/baseline.json`.
 *
 *   --record "REASON"   writes the measured figures down as the new baseline, with the reason; commit it with the change that it stands for
 *
 * A baseline that allows more than the one before must bring a reason of its own.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compareCosts, explainBaseline, type Baseline } from '../bench/instructions/gate.ts';
import { hasCallgrind } from '../bench/instructions/callgrind.ts';
import { measureCosts } from '../bench/instructions/measure.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const path = join(root, 'bench/baseline.json');
const { values } = parseArgs({ options: { record: { type: 'string' } } });

const counting = hasCallgrind();
const costs = await measureCosts(counting ? { floor: values.record !== undefined, history: false } : null);
if (values.record === undefined) check();
else record(values.record);

function record(reason: string): void {
  if (!counting) throw new Error('A baseline needs valgrind: instructions were not counted.');
  const baseline = { reason, node: process.versions.node, costs };
  writeFileSync(path, `${JSON.stringify(baseline, null, 2)}\n`);
  process.stdout.write(`Recorded in bench/baseline.json: ${reason}\n`);
}

function check(): void {
  const baseline = JSON.parse(readFileSync(path, 'utf8')) as Baseline;
  const problems = [...compareCosts(baseline.costs, costs), ...explainBaseline(readPrevious(), baseline)];
  const measured = Object.entries(costs).map(([name, value]) => `${name} ${Math.round(value * 100) / 100}`);
  process.stdout.write(`${measured.join(', ')}\n`);
  if (!counting) process.stdout.write('valgrind is not installed: instructions were not counted.\n');
  for (const problem of problems) process.stderr.write(`bench-gate: ${problem}\n`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}

/** The baseline that this one replaced: the commit's, where it is not committed yet; null where there is none, or no history, or no git. */
function readPrevious(): Baseline | null {
  const name = 'bench/baseline.json';
  const committed = git('show', `HEAD:${name}`);
  if (committed !== null && committed !== readFileSync(path, 'utf8')) return JSON.parse(committed) as Baseline;
  const commit = git('log', '-1', '--format=%H', '--', name)?.trim() ?? '';
  const previous = commit === '' ? null : git('show', `${commit}~1:${name}`);
  return previous === null ? null : (JSON.parse(previous) as Baseline);
}

function git(...args: string[]): string | null {
  try {
    return execFileSync('git', args, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] }).toString();
  } catch {
    return null;
  }
}
