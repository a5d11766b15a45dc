/** A process and all that it has started (Linux): peers have launchers, and servers below them. */
import { readdirSync, readFileSync } from 'node:fs';
import { readProcessStats } from '../process-stats.ts';

/** Microseconds of CPU that each process of a tree has used since it began, all threads. */
export type TreeCpu = ReadonlyMap<number, number>;

/** The process and its descendants, itself first. What a process that has ended had started is not found any more. */
export function listTree(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    const parent = readParent(Number(name));
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [pid];
  // The list grows while it is walked.
  for (const each of tree) tree.push(...(children.get(each) ?? []));
  return tree;
}

/** What a tree has used so far. */
export function readTreeCpu(pid: number): TreeCpu {
  const used = listTree(pid).map((each) => [each, readProcessStats(each)?.cpuUs] as const);
  return new Map(used.flatMap(([each, cpuUs]) => (cpuUs === undefined ? [] : [[each, cpuUs]])));
}

/** Microseconds between two readings. Processes that ended in between are not counted, those that began are. */
export function cpuBetween(before: TreeCpu, after: TreeCpu): number {
  if (after.size === 0) return Number.NaN;
  return [...after].reduce((sum, [pid, cpuUs]) => sum + cpuUs - (before.get(pid) ?? 0), 0);
}

/** The parent in a line of `/proc/PID/stat`, whose second field is a name that may hold spaces and brackets. */
export function parseParent(stat: string): number | null {
  const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  return Number.isInteger(parent) ? parent : null;
}

function readParent(pid: number): number | null {
  try {
    return parseParent(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return null;
  }
}
