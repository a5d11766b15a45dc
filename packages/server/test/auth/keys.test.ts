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
    expect(keyring.authenticate(`Bearer ${secret}`)).toEqual({ project });
  });

  it('takes the scheme in any case', () => {
    expect(keyring.authenticate('bearer  sk-blue ')).toEqual({ project: 'blue' });
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
    expect(open.authenticate(undefined)).toEqual({ project: 'default' });
    expect(open.authenticate('Bearer anything')).toEqual({ project: 'default' });
  });
});
