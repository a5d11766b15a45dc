/**
 * `node scripts/bench-gate.ts`: a turn may not come to cost more by accident. Instructions of a turn and of an event (callgrind, as the baseline
 * compiler runs them), bytes and calls of a turn may not grow by more than 3 % over `bench/baseline.json`. A machine on which instructions
 * cannot be compared says why and holds bytes and calls.
 *
 *   --record "REASON"   writes the measured figures down as the new baseline, with the reason; commit it with the change that it stands for
 *
 * A baseline that allows more than the one before must bring a reason of its own.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hasCallgrind } from '../bench/instructions/callgrind.ts';
import { compareCosts, explainBaseline, type Baseline } from '../bench/instructions/gate.ts';
import { countHeld, measureTraffic, type HeldCosts } from '../bench/instructions/held.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const path = join(root, 'bench/baseline.json');
const { values } = parseArgs({ options: { record: { type: 'string' } } });

const baseline = JSON.parse(readFileSync(path, 'utf8')) as Baseline;
const obstacle = findObstacle();
if (values.record === undefined) check(await measure());
else if (obstacle === null) record(values.record, await measure());
else throw new Error(`A baseline needs instructions, and ${obstacle}.`);

async function measure(): Promise<Partial<HeldCosts>> {
  return { ...(obstacle === null && (await countHeld())), ...(await measureTraffic()) };
}

/** Why instructions cannot be compared here, or null. Recording makes a baseline for the Node that it runs on. */
function findObstacle(): string | null {
  if (!hasCallgrind()) return 'valgrind is not installed';
  if (!hasNativeMasks()) return 'bufferutil has no build for this platform: ws takes masks off in JavaScript';
  if (values.record !== undefined) return null;
  if (process.versions.node !== baseline.node)
    return `the baseline is of Node ${baseline.node}, this is ${process.versions.node}`;
  return process.arch === baseline.arch ? null : `the baseline is of ${baseline.arch}, this is ${process.arch}`;
}

function hasNativeMasks(): boolean {
  try {
    const { unmask } = createRequire(import.meta.url)('bufferutil') as { unmask: () => void };
    return Function.prototype.toString.call(unmask).includes('[native code]');
  } catch {
    return false;
  }
}

function record(reason: string, costs: Partial<HeldCosts>): void {
  const recorded: Baseline = { reason, node: process.versions.node, arch: process.arch, costs };
  writeFileSync(path, `${JSON.stringify(recorded, null, 2)}\n`);
  process.stdout.write(`Recorded in bench/baseline.json: ${reason}\n`);
}

function check(costs: Partial<HeldCosts>): void {
  const problems = [...compareCosts(baseline.costs, costs), ...explainBaseline(readPrevious(), baseline)];
  const measured = Object.entries(costs).map(([name, value]) => `${name} ${Math.round(value * 100) / 100}`);
  process.stdout.write(`${measured.join(', ')}\n`);
  if (obstacle !== null) process.stdout.write(`Instructions were not counted: ${obstacle}.\n`);
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
