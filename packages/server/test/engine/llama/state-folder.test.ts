import { mkdir, mkdtemp, readFile, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStateFolder } from '../../../src/engine/llama/state-folder.ts';

const tmpfs = 0x01_02_19_94;
let parent: string;

beforeEach(async () => {
  const memory = '/dev/shm';
  if ((await statfs(memory)).type !== tmpfs) throw new Error('These tests need a tmpfs at /dev/shm.');
  parent = await mkdtemp(join(memory, 'longwire-test-'));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const sequence = {
  saveTo: (path: string) => writeFile(path, 'state'),
  loadFrom: async (path: string) => {
    if ((await readFile(path, 'utf8')) !== 'state') throw new Error('Another state was read.');
  },
};

describe('a state folder', () => {
  it('stands in memory, is the own user’s, and goes with all that it holds', async () => {
    const folder = await createStateFolder(1000, 10, [parent]);
    expect(folder?.budgetBytes).toBe(1000);
    expect((await stat(folder?.path ?? '')).mode & 0o777).toBe(0o700);
    const state = await folder?.save(sequence);
    await state?.restore(sequence);
    await state?.remove();
    expect(await readdir(folder?.path ?? '')).toEqual([]);
    await folder?.save(sequence);
    await folder?.remove();
    expect(await readdir(parent)).toEqual([]);
  });

  it('is not made on a disk', async () => {
    const disk = await mkdtemp(join(tmpdir(), 'longwire-test-'));
    try {
      const isDisk = (await statfs(disk)).type !== tmpfs;
      const folder = await createStateFolder(1000, 10, ['/no/such/folder', disk]);
      expect(folder === null).toBe(isDisk);
      await folder?.remove();
    } finally {
      await rm(disk, { recursive: true });
    }
  });

  it('leaves no half of a state where writing fails', async () => {
    const folder = await createStateFolder(1000, 10, [parent]);
    const failing = {
      ...sequence,
      saveTo: async (path: string) => {
        await writeFile(path, 'half');
        throw new Error('full');
      },
    };
    await expect(folder?.save(failing)).rejects.toThrow('full');
    expect(await readdir(folder?.path ?? '')).toEqual([]);
  });

  it('takes those of dead processes away, and leaves those of live ones', async () => {
    const live = await createStateFolder(1000, 10, [parent]);
    const dead = ['longwire-kv-4194399-17-AbCdEf', `longwire-kv-${process.pid}-17-AbCdEf`];
    for (const name of [...dead, 'of-others']) await mkdir(join(parent, name));
    await writeFile(join(parent, dead[0] ?? '', '1'), 'state');
    const next = await createStateFolder(1000, 10, [parent]);
    const left = (await readdir(parent)).toSorted();
    expect(left).toEqual(
      [live, next]
        .map((each) => basename(each?.path ?? ''))
        .concat('of-others')
        .toSorted(),
    );
  });
});
