import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startTestServer } from '../harness.ts';
import { scrape, startCountingServer } from './scrape.ts';

describe('where metrics are served', () => {
  it('is nowhere, unless an address is given', async () => {
    await using server = await startTestServer();
    expect(server.metricsUrl).toBeNull();
  });

  it('is never the address of the API', async () => {
    await using server = await startCountingServer();
    const root = server.url.replace('/v1', '');
    for (const path of ['/metrics', '/v1/metrics']) {
      expect([path, (await fetch(root + path)).status]).toEqual([path, 404]);
    }
  });

  it('is one path of a loopback address, which serves nothing of the API', async () => {
    await using server = await startCountingServer();
    const url = server.metricsUrl ?? '';
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    const statusOf = async (path: string, method = 'GET') => (await fetch(new URL(path, url), { method })).status;
    expect(await statusOf('/metrics?name=x')).toBe(200);
    expect(await statusOf('/metrics', 'HEAD')).toBe(200);
    expect(await statusOf('/metrics', 'POST')).toBe(405);
    for (const path of ['/', '/v1/responses', '/v1/models', '/healthz', '/metrics/x']) {
      expect([path, await statusOf(path)]).toEqual([path, 404]);
    }
  });

  it('is said in the form that scrapers ask for, with the numbers of the process', async () => {
    await using server = await startCountingServer();
    const answer = await fetch(server.metricsUrl ?? '');
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    await answer.text();
    const { types } = await scrape(server);
    expect(types.get('nodejs_eventloop_lag_p99_seconds')).toBe('gauge');
    expect(types.get('process_resident_memory_bytes')).toBe('gauge');
  });

  it('must be free: the error names the option', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    try {
      await expect(startTestServer({ flags: ['--metrics-address', String(port)] })).rejects.toThrow(
        `--metrics-address 127.0.0.1:${port} cannot be listened on: EADDRINUSE.`,
      );
    } finally {
      taken.close();
    }
  });

  it('is let go of when the server ends', async () => {
    const server = await startCountingServer();
    await scrape(server);
    await server.close();
    await expect(fetch(server.metricsUrl ?? '')).rejects.toThrow('fetch failed');
  });
});
