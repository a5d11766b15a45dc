/** Instruction counts of a server under callgrind: the same on a busy machine as on a quiet one (dossier 2.6). */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { startChild, type Child } from '../child.ts';

const execute = promisify(execFile);

/** One thread, no background compilation, the same hashes in every run. */
const nodeFlags = ['--single-threaded', '--predictable', '--random-seed=1', '--hash-seed=1'];

/** A server whose instructions are counted. */
export interface CountedServer extends AsyncDisposable {
  readonly url: string;
  /** Runs the work and returns the instructions that the process executed since the phase before. */
  count(work: () => Promise<unknown>): Promise<number>;
}

/** Whether valgrind is installed. */
export function hasCallgrind(): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return ['valgrind', 'callgrind_control'].every((tool) => folders.some((folder) => hasFile(folder, tool)));
}

/** Starts a server of this folder's parent under callgrind. Takes about 20 seconds: ask for it once. */
export async function startCounted(script: string, args: readonly string[]): Promise<CountedServer> {
  const folder = mkdtempSync(join(tmpdir(), 'longwire-callgrind-'));
  const valgrind = [
    'valgrind',
    '--tool=callgrind',
    '--quiet',
    '--smc-check=all-non-file',
    `--callgrind-out-file=${join(folder, 'out')}`,
  ];
  let child: Child;
  try {
    child = await startChild(`./${script}`, { args, nodeFlags, wrapper: valgrind });
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  let phases = 0;
  const dump = async (): Promise<number> => {
    await execute('callgrind_control', ['--dump=phase', String(child.pid)]);
    phases++;
    return readTotal(join(folder, `out.${phases}`));
  };
  // What came before the first phase is the start of the process.
  await dump();
  return {
    url: child.url,
    async count(work) {
      await work();
      return dump();
    },
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

function readTotal(path: string): number {
  const total = /^totals: (\d+)/m.exec(readFileSync(path, 'utf8'))?.[1];
  if (total === undefined) throw new Error(`callgrind wrote no total to ${path}.`);
  return Number(total);
}

function hasFile(folder: string, name: string): boolean {
  try {
    return readdirSync(folder).includes(name);
  } catch {
    return false;
  }
}
