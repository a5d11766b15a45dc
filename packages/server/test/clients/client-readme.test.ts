/** The examples in the client's README, as they stand there. */
import { readFileSync } from 'node:fs';
import { compileFunction } from 'node:vm';
import * as client from '@longwire/client';
import { expect, it } from 'vitest';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer } from '../harness.ts';

const readme = readFileSync(new URL('../../../client/README.md', import.meta.url), 'utf8');
/** What they import. */
const names = ['connect', 'runTools', 'tool'];
const examples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);

it('has examples', () => {
  expect(examples).toHaveLength(3);
});

it.each(examples)('example %# runs', async (code) => {
  const { engine, calls } = createEchoEngine();
  await using server = await startTestServer({ engines: [engine], flags: ['--api-key', 'team=key'] });
  const printed: unknown[] = [];
  const body = code.replace(/^import .*$/m, '').replace('http://127.0.0.1:8787/v1', server.url);
  const run = compileFunction(`return (async () => {${body}; return connection})()`, [...names, 'console']) as (
    ...given: unknown[]
  ) => Promise<client.Connection>;
  const connection = await run(client.connect, client.runTools, client.tool, {
    log: (value: unknown) => printed.push(value),
  });
  connection.close();
  expect(printed).not.toEqual([]);
  expect(calls.some(({ kind }) => kind === 'generate')).toBe(true);
});
