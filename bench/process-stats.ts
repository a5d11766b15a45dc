/** What the kernel knows of a process (Linux). Null everywhere else. */
import { readdirSync, readFileSync } from 'node:fs';

/** Counters since the process began. */
export interface ProcessStats {
  /** All threads. */
  readonly cpuUs: number;
  /** Calls of the read and of the write family, network included; no polling. */
  readonly readCalls: number;
  readonly writeCalls: number;
  readonly residentBytes: number;
}

/** The counters of a process, or null where /proc does not tell them. */
export function readProcessStats(pid: number): ProcessStats | null {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const cpuNs = threads.map((thread) => Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]));
    const io = read(`/proc/${pid}/io`);
    return {
      cpuUs: cpuNs.reduce((sum, each) => sum + each, 0) / 1000,
      readCalls: numberAfter(io, 'syscr:'),
      writeCalls: numberAfter(io, 'syscw:'),
      residentBytes: numberAfter(read(`/proc/${pid}/status`), 'VmRSS:') * 1024,
    };
  } catch {
    return null;
  }
}

function read(path: string): string {
  return readFileSync(path, 'utf8');
}

function numberAfter(text: string, label: string): number {
  return Number(new RegExp(`${label}\\s+(\\d+)`).exec(text)?.[1]);
}
