import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Executor } from '../../src/store/sqlite/executor.ts';
import { createGroupCommit } from '../../src/store/sqlite/group-commit.ts';
import { putSteps } from '../../src/store/sqlite/responses.ts';
import { at, storedResponse } from './fixtures.ts';

const workerAt = (name: string) => new URL(`./${name}.ts`, import.meta.url);
const put = (id?: string) =>
  ({ kind: 'write', steps: putSteps(storedResponse(id === undefined ? {} : { id })) }) as const;
const get = (id: string) =>
  ({ kind: 'read', statement: { name: 'get-response', values: { project: 'default', id } } }) as const;

describe('group commit', () => {
  let folder: string;
  let commit: Executor;

  function start(worker: string): Executor {
    commit = createGroupCommit({ path: join(folder, 'db'), lockTimeoutMs: 1000, maxBytes: null }, workerAt(worker));
    return commit;
  }

  /** With the counting worker: how many operations shared the batch of this one. */
  async function batchOf(): Promise<string> {
    return await commit.run(put()).then(
      () => 'done',
      (error: Error) => (error.cause as Error).message,
    );
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'longwire-store-'));
  });
  afterEach(async () => {
    await commit.close();
    rmSync(folder, { recursive: true });
  });

  it('sends what waits as one batch', async () => {
    start('counting-worker');
    const together = [batchOf(), batchOf(), batchOf()];
    const alone = at(together, 0).then(batchOf);
    // A turn of the microtask queue later the first batch is on its way: these wait for it, together.
    const later = Promise.resolve().then(() => Promise.all([batchOf(), batchOf()]));
    expect(await Promise.all(together)).toEqual(['batch of 3', 'batch of 3', 'batch of 3']);
    expect(await later).toEqual(['batch of 2', 'batch of 2']);
    expect(await alone).toBe('batch of 1');
  });

  it('rejects the batch of a thread that died, and starts another', async () => {
    start('dying-worker');
    await commit.run(put('resp_before'));
    const fatal = [commit.run(get('resp_deadly')), commit.run(put('resp_same_batch'))];
    for (const doomed of fatal) await expect(doomed).rejects.toMatchObject({ code: 'store_unavailable' });
    const [before, after] = [commit.run(get('resp_before')), commit.run(put('resp_after'))];
    expect((await before).rows).toHaveLength(1);
    await after;
    expect((await commit.run(get('resp_after'))).rows).toHaveLength(1);
  });

  it('keeps what waited while the thread died', async () => {
    start('dying-worker');
    await commit.run(put('resp_before'));
    const doomed = commit.run(get('resp_deadly'));
    const waiting = Promise.resolve().then(() => commit.run(get('resp_before')));
    await expect(doomed).rejects.toMatchObject({ code: 'store_unavailable' });
    expect((await waiting).rows).toHaveLength(1);
  });

  it('rejects clearly when no thread can be started', async () => {
    start('no-such-worker');
    for (let i = 0; i < 2; i++) {
      await expect(commit.run(put())).rejects.toMatchObject({
        code: 'store_unavailable',
        cause: { message: expect.stringContaining('no-such-worker') },
      });
    }
  });
});
