import { describe, expect, it } from 'vitest';
import { createApiKey, createKeyring } from '../../src/auth/keys.ts';

describe('keyring', () => {
  const keyring = createKeyring([
    createApiKey('red', 'sk-red-1'),
    createApiKey('blue', 'sk-blue'),
    createApiKey('red', 'sk-red-2'),
  ]);

  it.each([
    ['sk-red-1', 'red'],
    ['sk-blue', 'blue'],
    ['sk-red-2', 'red'],
  ])('opens the project of %s', (secret, project) => {
    expect(keyring.authenticate(`Bearer ${secret}`)).toMatchObject({ project });
  });

  it('takes the scheme in any case', () => {
    expect(keyring.authenticate('bearer  sk-blue ')).toMatchObject({ project: 'blue' });
  });

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer sk-blu',
    'Bearer sk-bluee',
    'Bearer SK-BLUE',
    'Bearer sk-blue sk-blue',
    'Basic sk-blue',
    'sk-blue',
    `Bearer ${'x'.repeat(100_000)}`,
  ])('refuses %j', (header) => {
    expect(keyring.authenticate(header)).toBeNull();
  });

  it('keeps no key', () => {
    expect(JSON.stringify(createApiKey('red', 'sk-red-1'))).not.toContain('sk-red-1');
  });

  it('lets everyone in as project default when there are no keys', () => {
    const open = createKeyring([]);
    expect(open.authenticate(undefined)).toMatchObject({ project: 'default' });
    expect(open.authenticate('Bearer anything')).toMatchObject({ project: 'default' });
  });
});

describe('keys that are replaced', () => {
  const [one, two] = [createApiKey('blue', 'sk-one'), createApiKey('blue', 'sk-two')];

  it('no longer hold where they are gone, and hold where they stayed', () => {
    const keyring = createKeyring([one, two]);
    const [first, second] = ['sk-one', 'sk-two'].map((secret) => keyring.authenticate(`Bearer ${secret}`));
    if (!first || !second) throw new Error('unknown');
    keyring.replace([two]);
    expect([keyring.holds(first), keyring.holds(second)]).toEqual([false, true]);
    expect(keyring.authenticate('Bearer sk-one')).toBeNull();
  });

  it('do not hold for another project', () => {
    const keyring = createKeyring([one]);
    const identity = keyring.authenticate('Bearer sk-one');
    if (!identity) throw new Error('unknown');
    keyring.replace([createApiKey('green', 'sk-one')]);
    expect(keyring.holds(identity)).toBe(false);
  });

  it('end the time when nobody needed one', () => {
    const keyring = createKeyring([]);
    const anyone = keyring.authenticate(undefined);
    if (!anyone) throw new Error('unknown');
    expect(keyring.holds(anyone)).toBe(true);
    keyring.replace([one]);
    expect(keyring.holds(anyone)).toBe(false);
  });
});
