/** Connections that outlive their sockets (PROTOCOL.md 11.1), over real sockets: what is kept of them. */
import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { startTestServer } from '../harness.ts';
import { connect, createdBy, turnOf, type ResumingClient } from './resuming-client.ts';
import { createEndlessEngine } from './sockets.ts';

describe('what is not acknowledged', () => {
  const buffer = 262_144;
  const text = 'x'.repeat(16_384);
  const small = ['--resume-buffer-bytes', String(buffer)];

  /** Reads until the server sends no more: what it may keep has come, and it waits. */
  async function readUntilFull(client: ResumingClient, pulled: () => number): Promise<void> {
    let before = -1;
    while (before !== pulled()) {
      before = pulled();
      for (let round = 0; round < 3; round++) {
        const answered = once(client.socket, 'pong');
        client.socket.ping();
        await answered;
      }
    }
  }

  it('stops the engine with and without a socket, and no byte is lost', async () => {
    const endless = createEndlessEngine(text);
    await using server = await startTestServer({ engines: [endless.engine], flags: small });
    using client = await connect(server.url);
    client.create({});
    const id = createdBy(await client.next());
    await readUntilFull(client, () => endless.pulled);
    const first = endless.pulled;
    expect(first).toBeGreaterThan(buffer / text.length / 2);
    expect(first).toBeLessThan((buffer / text.length) * 2);
    await client.cut();
    await vi.waitFor(() => expect(server.counts.detached).toBe(1));
    expect(endless.pulled).toBe(first);
    await client.connect();
    // Resuming acknowledges too.
    await readUntilFull(client, () => endless.pulled);
    expect(endless.pulled).toBeGreaterThan(first);
    client.send({ type: 'response.cancel', response_id: id });
    client.acknowledges = true;
    client.acknowledge();
    const frames = await turnOf(client);
    expect(frames.at(-1)?.type).toBe('response.incomplete');
    const deltas = frames.filter(({ type }) => type === 'response.output_text.delta');
    expect(endless.pulled - deltas.length).toBeLessThanOrEqual(1);
  });

  it('closes the socket of a client that only reads, with 1013, and ends the connection', async () => {
    const endless = createEndlessEngine(text);
    const flags = [...small, '--slow-reader-ms', '200', '--ping-interval-ms', '100'];
    await using server = await startTestServer({ engines: [endless.engine], flags });
    using client = await connect(server.url);
    client.create({});
    expect((await turnOf(client)).at(-1)).toMatchObject({ type: 'response.failed' });
    await expect(client.next()).rejects.toThrow('1013 client reads too slowly');
    expect(await client.connect()).toMatchObject({ resumed: false });
  });

  it('survives a cut while the outbox is full', async () => {
    const endless = createEndlessEngine('x'.repeat(262_144));
    await using server = await startTestServer({
      engines: [endless.engine],
      flags: ['--outbound-limit-bytes', '16384', '--resume-buffer-bytes', String(64 * 2 ** 20)],
    });
    using client = await connect(server.url);
    client.create({});
    createdBy(await client.next());
    client.socket.pause();
    // More than the system takes on loopback: the rest waits in the outbox.
    await vi.waitFor(() => expect(endless.pulled).toBeGreaterThan(100), 20_000);
    await client.cut();
    expect(await client.connect()).toMatchObject({ resumed: true });
    for (let frames = 0; frames < 100; frames++) expect((await client.next()).type).not.toBe('response.failed');
  });

  it('is bounded for all connections together: who has waited longest goes', async () => {
    const endless = createEndlessEngine('x'.repeat(65_536));
    await using server = await startTestServer({
      engines: [endless.engine],
      flags: ['--resume-memory-bytes', String(2 ** 20), '--ping-interval-ms', '100'],
    });
    const clients = [];
    for (let n = 0; n < 2; n++) {
      const client = await connect(server.url);
      client.create({});
      await client.next();
      await client.cut();
      clients.push(client);
    }
    await vi.waitFor(() => expect(server.counts.expired).toBeGreaterThan(0), 10_000);
    expect(await clients[0]?.connect()).toMatchObject({ resumed: false });
    for (const client of clients) client[Symbol.dispose]();
  });
});
