import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Sealer } from '../../src/compaction/sealer.ts';
import { SealingKeys } from '../../src/compaction/sealing-keys.ts';
import { thrownBy } from './thrown.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longwire-keys-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const binding = { project: 'a', model: 'm' };
const keyOf = (byte: number): string => Buffer.alloc(32, byte).toString('base64');
const atPath = (path: string) => new Sealer(new SealingKeys({ given: [], path }));
const withKeys = (...given: string[]) => new Sealer(new SealingKeys({ given, path: join(folder, 'never') }));

describe('the key file', () => {
  it('is made when the first item is sealed, not before, and only its owner can read it', () => {
    const path = join(folder, 'data', 'sealing.keys');
    const sealer = atPath(path);
    expect(() => statSync(path)).toThrow('ENOENT');
    sealer.seal('compaction', binding, 'x');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700);
  });

  it('opens after a restart what was sealed before', () => {
    const path = join(folder, 'sealing.keys');
    const sealed = atPath(path).seal('compaction', binding, { summary: 'as it was' });
    expect(atPath(path).open('compaction', binding, sealed)).toEqual({ ok: true, content: { summary: 'as it was' } });
  });

  it('keeps the key of the process that came first', () => {
    const path = join(folder, 'sealing.keys');
    const [first, second] = [atPath(path), atPath(path)];
    const sealed = first.seal('compaction', binding, 1);
    expect(second.open('compaction', binding, sealed).ok).toBe(true);
    expect(first.open('compaction', binding, second.seal('compaction', binding, 2)).ok).toBe(true);
  });

  it('seals with its first key and opens with all', () => {
    const path = join(folder, 'sealing.keys');
    const old = withKeys(keyOf(1)).seal('reasoning', binding, 'old');
    writeFileSync(path, `# new\n${keyOf(2)}\n\n${keyOf(1)}\n`);
    const rotated = atPath(path);
    expect(rotated.open('reasoning', binding, old).ok).toBe(true);
    const fresh = rotated.seal('reasoning', binding, 'new');
    expect(withKeys(keyOf(2)).open('reasoning', binding, fresh).ok).toBe(true);
    expect(withKeys(keyOf(1)).open('reasoning', binding, fresh)).toEqual({ ok: false, reason: 'unknown' });
  });

  it('fails without showing a key when it is not one', () => {
    const path = join(folder, 'sealing.keys');
    writeFileSync(path, 'half-a-secret\n');
    const error = thrownBy(() => atPath(path).seal('compaction', binding, 1));
    expect(error.entry).toBe('server_error');
    expect(error.message + String(error.cause)).not.toContain('half-a-secret');
    expect(readFileSync(path, 'utf8')).toBe('half-a-secret\n');
  });

  it('is left alone when the configuration brings the keys', () => {
    withKeys(keyOf(1)).seal('compaction', binding, 1);
    expect(() => statSync(join(folder, 'never'))).toThrow('ENOENT');
  });
});
