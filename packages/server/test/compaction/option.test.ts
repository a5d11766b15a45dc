import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/config.ts';
import { otherKey, sealingKey } from './world.ts';

const load = (argv: readonly string[], env: NodeJS.ProcessEnv = {}): Config => loadConfig(argv, env, () => '');

describe('the option sealing-key', () => {
  it('takes several keys, in their order, and shows none of them', () => {
    const config = load(['--sealing-key', sealingKey, '--sealing-key', 'env:OLD'], { OLD: otherKey });
    expect(config.sealingKeys.map((key) => key.reveal())).toEqual([sealingKey, otherKey]);
    const shown = inspect(config, { depth: null }) + JSON.stringify(config);
    for (const key of [sealingKey, otherKey]) expect(shown).not.toContain(key);
  });

  it('comes from the environment too', () => {
    const { sealingKeys } = load([], { LONGWIRE_SEALING_KEY: `${sealingKey},${otherKey}` });
    expect(sealingKeys.map((key) => key.reveal())).toEqual([sealingKey, otherKey]);
  });

  it.each([['c2hvcnQ='], ['env:MISSING'], ['not a key at all, but a secret']])(
    'refuses %s and does not repeat it',
    (key) => {
      expect(() => load(['--sealing-key', key])).toThrow('expected 32 bytes in base64');
      expect(() => load(['--sealing-key', key])).not.toThrow(key);
    },
  );
});
