import { readFileSync } from 'node:fs';
import { createOpenApiDocument } from '@longwire/protocol';
import { expect, it } from 'vitest';
import server from '../../package.json' with { type: 'json' };
import { startTestServer } from '../harness.ts';

const document = JSON.parse(JSON.stringify(createOpenApiDocument(server.version))) as {
  paths: Record<string, Record<string, { operationId: string; servers?: { url: string }[] }>>;
  components: { schemas: Record<string, unknown> };
};

it('docs/openapi.json is what the schemas say (else: node scripts/openapi.ts)', () => {
  const committed: unknown = JSON.parse(
    readFileSync(new URL('../../../../docs/openapi.json', import.meta.url), 'utf8'),
  );
  expect(committed).toEqual(document);
});

it('is served without a key', async () => {
  await using running = await startTestServer({ flags: ['--api-key', 'ours=key-1'] });
  const answer = await fetch(new URL('/openapi.json', running.url));
  expect(await answer.json()).toEqual(document);
});

it('refers to nothing that it does not have', () => {
  const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
  expect(references.length).toBeGreaterThan(100);
  const missing = new Set(references.filter((name) => !(String(name) in document.components.schemas)));
  expect([...missing]).toEqual([]);
  const ids = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  );
  expect(new Set(ids).size).toBe(ids.length);
});

it('names only paths that exist', async () => {
  await using running = await startTestServer();
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, { servers = [] }] of Object.entries(operations)) {
      const named = path.replaceAll(/\{\w+\}/g, 'unknown');
      const url = servers.length > 0 ? new URL(named, running.url).href : `${running.url}${named}`;
      const answer = await fetch(url, {
        method: method.toUpperCase(),
        ...(method === 'post' && { body: '{}', headers: { 'content-type': 'application/json' } }),
      });
      const { error } = (await answer.json()) as { error?: { code: string | null } };
      expect([url, error?.code]).not.toEqual([url, 'unknown_url']);
    }
  }
});
