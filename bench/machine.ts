/** The machine of a run, and whether it is quiet enough for what is measured. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { quantile } from './figures.ts';
import type { Echo } from './echo-client.ts';

/** What a reader needs to know of the machine. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()}`,
    node: process.versions.node,
  };
}

/** How disturbed a round was. */
export interface Quietness {
  /** p99 of a bare echo over its least: 3 and more is a machine that does other things. */
  readonly spread: number;
  readonly load: number;
  /** Share of the time that a hypervisor took for others; 0 where it is not told. */
  readonly steal: number;
}

const echoes = 300;
const maxSpread = 3;
const maxSteal = 0.05;

/** Measures it with a bare echo server: about 10 ms on a quiet machine. */
export async function measureQuietness(echo: Echo): Promise<Quietness> {
  const frame = JSON.stringify({ text: 'x'.repeat(100) });
  const before = readCpuTimes();
  const times: number[] = [];
  for (let sent = 0; sent < echoes; sent++) {
    const start = performance.now();
    await echo.send(frame, 1);
    times.push(performance.now() - start);
  }
  const after = readCpuTimes();
  const total = after.total - before.total;
  return {
    spread: quantile(times, 0.99) / Math.min(...times),
    load: loadavg()[0] ?? 0,
    steal: total > 0 ? (after.steal - before.steal) / total : 0,
  };
}

/** Whether a round on such a machine counts. */
export function isQuiet({ spread, steal }: Quietness): boolean {
  return spread <= maxSpread && steal <= maxSteal;
}

/** Time of all processors since the system began, in its own ticks; zeros where /proc does not tell. */
export interface CpuTimes {
  readonly total: number;
  readonly idle: number;
  readonly steal: number;
}

export function readCpuTimes(): CpuTimes {
  try {
    const fields = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.trim().split(/\s+/).slice(1).map(Number) ?? [];
    const [, , , idle = 0, waiting = 0] = fields;
    return { total: fields.reduce((sum, each) => sum + each, 0), idle: idle + waiting, steal: fields[7] ?? 0 };
  } catch {
    return { total: 0, idle: 0, steal: 0 };
  }
}

/** Share of the processors' time that was used between two readings, by anybody; NaN where it is not told. */
export function toBusyShare(before: CpuTimes, after: CpuTimes): number {
  return 1 - (after.idle - before.idle) / (after.total - before.total);
}
