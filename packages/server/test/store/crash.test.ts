import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { crashOnce, verify } from './crash.ts';

it('a server that is killed has lost nothing of what it called completed', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'longwire-crash-'));
  const path = join(folder, 'longwire.sqlite');
  try {
    for (let round = 0; round < 3; round++) {
      const acknowledged = await crashOnce(path);
      expect(acknowledged.length).toBeGreaterThan(0);
      await verify(path, acknowledged);
    }
    const lost = { id: 'resp_never', conversation: null, turns: 1 };
    await expect(verify(path, [lost])).rejects.toThrow('resp_never is lost.');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
