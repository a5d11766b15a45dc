/** The examples in the client's README, as they stand there. */
import { readFileSync } from 'node:fs';
import { compileFunction } from 'node:vm';
import { createOpenAI } from '@ai-sdk/openai';
import * as client from '@longwire/client';
import { generateText } from 'ai';
import OpenAI from 'openai';
import { expect, it } from 'vitest';
import { createEchoEngine } from '../echo-engine.ts';
import { startTestServer } from '../harness.ts';

const readme = readFileSync(new URL('../../../client/README.md', import.meta.url), 'utf8');
const examples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);

it('has examples', () => {
  expect(examples.length).toBeGreaterThan(3);
});

it.each(examples)('example %# runs', async (code) => {
  const { engine, calls } = createEchoEngine();
  await using server = await startTestServer({ engines: [engine], flags: ['--api-key', 'team=key'] });
  const printed: unknown[] = [];
  const open: { close(): void }[] = [];
  const keep = <Closable extends { close(): void }>(made: Closable) => (open.push(made), made);
  const scope = {
    ...client,
    OpenAI,
    createOpenAI,
    generateText,
    connect: async (options: client.ConnectOptions) => keep(await client.connect(options)),
    createFetch: (options?: client.FetchOptions) => keep(client.createFetch(options)),
    console: { log: (value: unknown) => printed.push(value) },
  };
  const body = code.replace(/^import .*$/gm, '').replaceAll('http://127.0.0.1:8787/v1', server.url);
  const run = compileFunction(`return (async () => {${body}})()`, Object.keys(scope)) as (
    ...given: unknown[]
  ) => Promise<void>;
  try {
    await run(...Object.values(scope));
  } finally {
    for (const made of open) made.close();
  }
  expect(printed).not.toEqual([]);
  expect(calls.some(({ kind }) => kind === 'generate')).toBe(true);
});
