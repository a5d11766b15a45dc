import { describe, expect, it } from 'vitest';
import { createHeldEngine } from '../echo-engine.ts';
import { TestSocket } from '../harness.ts';
import { connect, turnOf } from '../transport/resuming-client.ts';
import { createEndlessEngine, openSocket } from '../transport/sockets.ts';
import type { Exposition } from './exposition.ts';
import { scrape, series, startCountingServer } from './scrape.ts';

type Counting = Awaited<ReturnType<typeof startCountingServer>>;

/** Scrapes until the metrics say so: what a client does, the server hears a moment later. */
async function scrapeUntil(server: Counting, says: (metrics: Exposition) => boolean): Promise<Exposition> {
  for (;;) {
    const metrics = await scrape(server);
    if (says(metrics)) return metrics;
  }
}

describe('metrics of connections', () => {
  it('are those of the sockets that are open, their lanes and what waits in them', async () => {
    const held = createHeldEngine();
    await using server = await startCountingServer({ engines: [held.engine], flags: ['--max-in-flight', '1'] });
    using one = await TestSocket.open(server.url);
    using other = await TestSocket.open(server.url);
    one.create({ stream_id: 'a' });
    await one.next();
    one.create({ stream_id: 'a' });
    one.create({ stream_id: 'b' });
    other.create({});
    await other.next();
    const busy = await scrapeUntil(server, (metrics) => metrics.value('longwire_requests_queued') === 2);
    expect(series(busy, 'longwire_connections')).toEqual(['open 2']);
    expect(busy.value('longwire_lanes')).toBe(3);
    expect(series(busy, 'longwire_turns_running')).toEqual(['echo test-model websocket 2']);
    held.release();
    for (let turn = 0; turn < 3; turn++) await one.turn();
    await other.turn();
    await one.close();
    const quiet = await scrapeUntil(server, (metrics) => metrics.value('longwire_lanes') === 1);
    expect(series(quiet, 'longwire_connections')).toEqual(['open 1']);
    expect(series(quiet, 'longwire_requests_queued')).toEqual([]);
    expect(quiet.value('longwire_sockets_opened_total')).toBe(2);
  });

  it('tell resumable ones that wait, that went on, and that were not theirs', async () => {
    await using server = await startCountingServer();
    using client = await connect(server.url);
    client.create({});
    await turnOf(client);
    await client.cut();
    const cut = await scrapeUntil(
      server,
      (metrics) => metrics.value('longwire_connections', { state: 'waiting' }) === 1,
    );
    expect(series(cut, 'longwire_connections')).toEqual(['waiting 1']);
    expect(cut.value('longwire_lanes')).toBe(1);
    expect(cut.value('longwire_connections_detached_total')).toBe(1);
    expect(cut.value('longwire_resume_buffer_bytes')).toBeGreaterThan(0);
    await client.connect();
    client.acknowledge();
    using stranger = await connect(server.url, `${'x'.repeat(43)}:0`);
    expect(stranger.hello?.resumed).toBe(false);
    const resumed = await scrapeUntil(server, (metrics) => metrics.value('longwire_resume_buffer_bytes') === 0);
    expect(series(resumed, 'longwire_resumptions_total')).toEqual(['refused 1', 'resumed 1']);
    expect(series(resumed, 'longwire_connections')).toEqual(['open 2']);
    expect(resumed.value('longwire_sockets_opened_total')).toBe(3);
  });

  it('tell a client that does not read', async () => {
    const endless = createEndlessEngine('x'.repeat(64 * 1024));
    await using server = await startCountingServer({
      engines: [endless.engine],
      flags: ['--outbound-limit-bytes', '65536', '--slow-reader-ms', '1000'],
    });
    using socket = await TestSocket.open(server.url);
    socket.create({});
    await socket.next();
    socket.socket.pause();
    const full = await scrapeUntil(server, (metrics) => metrics.value('longwire_outbox_bytes') > 65_536);
    expect(series(full, 'longwire_sockets_dropped_total')).toEqual([]);
    await endless.ended;
    expect(series(await scrape(server), 'longwire_sockets_dropped_total')).toEqual(['slow_reader 1']);
  });

  it('tell a client that is gone', async () => {
    await using server = await startCountingServer({ flags: ['--ping-interval-ms', '100', '--dead-peer-ms', '300'] });
    using socket = await openSocket(server.url, { autoPong: false });
    await expect(socket.next()).rejects.toThrow('1006');
    expect(series(await scrape(server), 'longwire_sockets_dropped_total')).toEqual(['dead_peer 1']);
  });

  it('tell background responses that run and that wait for a place', async () => {
    const held = createHeldEngine();
    await using server = await startCountingServer({ engines: [held.engine], flags: ['--max-background', '1'] });
    const begin = async () => {
      const body = JSON.stringify({ model: 'test-model', input: 'Hi.', background: true });
      const headers = { 'content-type': 'application/json' };
      return (await fetch(`${server.url}/responses`, { method: 'POST', headers, body })).json();
    };
    await begin();
    await begin();
    expect(series(await scrape(server), 'longwire_background_responses')).toEqual(['running 1', 'waiting 1']);
    held.release();
    const over = await scrapeUntil(server, (metrics) => series(metrics, 'longwire_background_responses').length === 0);
    expect(series(over, 'longwire_turns_total')).toEqual(['echo test-model background completed 2']);
  });

  it('tell upgrades that were refused', async () => {
    await using server = await startCountingServer({ flags: ['--api-key', 'team=secret-key'] });
    const opening = TestSocket.open(server.url, { headers: { authorization: 'Bearer wrong' } });
    await expect(opening).rejects.toThrow('401');
    const metrics = await scrapeUntil(server, ({ samples }) =>
      samples.some(({ labels }) => labels['door'] === 'upgrade'),
    );
    expect(series(metrics, 'longwire_refusals_total')).toEqual(['upgrade invalid_api_key 1']);
  });
});
