/** Instruction counts of a server under callgrind: the same on a busy machine as on a quiet one (dossier 2.6). */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { startChild, type Child } from '../child.ts';

const execute = promisify(execFile);

/** One thread, no background compilation, the same hashes in every run. */
const oneThread = ['--single-threaded', '--predictable', '--random-seed=1', '--hash-seed=1'];

/**
 * What V8 may compile. `optimised` is what users run; when and what it optimises depends on what came when, and two runs of the same code
 * differ by a third. `plain` stops at the baseline compiler and keeps its code: two runs differ by less than a hundredth.
 */
export const nodeFlags = {
  optimised: oneThread,
  // A nursery that a phase does not fill: whether a collection falls into it would be chance.
  plain: [
    ...oneThread,
    '--no-opt',
    '--no-maglev',
    '--no-flush-bytecode',
    '--min-semi-space-size=256',
    '--max-semi-space-size=256',
  ],
};

/** A server whose instructions are counted. */
export interface CountedServer extends AsyncDisposable {
  readonly url: string;
  /** Runs the work without counting, which is ten times as fast. */
  warm(work: () => Promise<unknown>): Promise<void>;
  /** Runs the work and returns the instructions that the process executed meanwhile. */
  count(work: () => Promise<unknown>): Promise<number>;
}

/** Whether valgrind is installed. */
export function hasCallgrind(): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return ['valgrind', 'callgrind_control'].every((tool) => folders.some((folder) => hasFile(folder, tool)));
}

/** Starts a server of this folder's parent under callgrind. Takes about 10 seconds: ask for it once. */
export async function startCounted(
  script: string,
  args: readonly string[],
  code: keyof typeof nodeFlags,
): Promise<CountedServer> {
  const folder = mkdtempSync(join(tmpdir(), 'longwire-callgrind-'));
  const valgrind = [
    'valgrind',
    '--tool=callgrind',
    '--quiet',
    '--instr-atstart=no',
    '--smc-check=all-non-file',
    `--callgrind-out-file=${join(folder, 'out')}`,
  ];
  let child: Child;
  try {
    child = await startChild(`./${script}`, { args, nodeFlags: nodeFlags[code], wrapper: valgrind });
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  let phases = 0;
  let isCounting = false;
  const control = (order: string) => execute('callgrind_control', [order, String(child.pid)]);
  const dump = async (): Promise<number> => {
    await control('--dump=phase');
    phases++;
    return readTotal(join(folder, `out.${phases}`));
  };
  const setCounting = async (wanted: boolean): Promise<void> => {
    if (wanted !== isCounting) await control(`--instr=${wanted ? 'on' : 'off'}`);
    isCounting = wanted;
  };
  return {
    url: child.url,
    async warm(work) {
      await setCounting(false);
      await work();
    },
    async count(work) {
      await setCounting(true);
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
