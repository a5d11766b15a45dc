/**
 * A folder for the states of KV sequences, in a file system that lives in memory: what clients said must not reach a disk. It goes when the
 * engine closes; one that a killed process left goes when the next process starts.
 */
import { mkdtemp, readFile, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import type { SavedState, SpillPlace } from '../token-chain/spill.ts';

/** A sequence that can be written to a file and made from one. */
export interface StorableSequence {
  saveTo(path: string): Promise<void>;
  /** Only of files that a sequence of the same model wrote. */
  loadFrom(path: string): Promise<void>;
}

/** What all of these folders are called: the process, and when it started, in the kernel's count. */
const folderPattern = /^longwire-kv-(\d+)-(\d+)-/;
/** What `statfs` says of tmpfs and of ramfs. */
const memoryTypes = new Set([0x01_02_19_94, 0x85_84_58_f6]);
/** Of the free memory of the file system, the part that is left to others. */
const reservedShare = 0.5;

/** Of a state, beyond its keys and values. */
const overhead = 1.01;

/** A folder that can take states. */
export class StateFolder<Sequence extends StorableSequence> implements SpillPlace<Sequence> {
  readonly path: string;
  readonly budgetBytes: number;
  readonly #bytesPerToken: number;
  #files = 0;

  constructor(path: string, budgetBytes: number, bytesPerToken: number) {
    this.path = path;
    this.budgetBytes = budgetBytes;
    this.#bytesPerToken = bytesPerToken;
  }

  sizeOf(tokens: number): number {
    return Math.ceil(tokens * this.#bytesPerToken * overhead);
  }

  async save(sequence: Sequence): Promise<SavedState<Sequence>> {
    const file = join(this.path, String((this.#files += 1)));
    try {
      await sequence.saveTo(file);
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
    return {
      restore: (target) => target.loadFrom(file),
      remove: () => rm(file, { force: true }).catch(() => {}),
    };
  }

  /** Removes it, with all that it holds. */
  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/**
 * Makes a folder in the first of `parents` that lives in memory, after those that dead processes left there are gone. Null where none does,
 * or none can be written to. The budget shrinks to half of what is free there.
 */
export async function createStateFolder<Sequence extends StorableSequence>(
  budgetBytes: number,
  bytesPerToken: number,
  parents: readonly string[] = ['/dev/shm', tmpdir()],
): Promise<StateFolder<Sequence> | null> {
  for (const parent of parents) {
    try {
      const { type, bavail, bsize } = await statfs(parent);
      if (!memoryTypes.has(type)) continue;
      await removeLeftovers(parent);
      const started = await startOf('self');
      const path = await mkdtemp(join(parent, `longwire-kv-${process.pid}-${started ?? '0'}-`));
      return new StateFolder(path, Math.min(budgetBytes, bavail * bsize * reservedShare), bytesPerToken);
    } catch {
      continue;
    }
  }
  return null;
}

async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const [, pid, started] = folderPattern.exec(name) ?? [];
    if (pid === undefined || started === (await startOf(pid))) continue;
    // Another user's stays.
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => {});
  }
}

/** When a process started, which tells it from a later one of its number; null where it does not run. */
async function startOf(pid: string): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // The name of the program stands in parentheses and may hold anything.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}
