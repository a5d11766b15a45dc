/** What the client costs a page. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { bundleClient } from './bundle.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test.each([
  ['connect', 16],
  ['createFetch', 20],
])('%s is less than %d KB with gzip, as the README says', async (name, kilobytes) => {
  const code = await bundleClient(name);
  expect(gzipSync(code).length).toBeLessThan(kilobytes * 1000);
  expect(readme).toContain(`\`${name}\` less than ${kilobytes} KB`);
});

test('nothing of Node is in it', async () => {
  const code = await bundleClient('connect', 'createFetch');
  expect(code).not.toMatch(/from\s*["']|import\s*\(|require\s*\(/);
});
