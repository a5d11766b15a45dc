/** Connections that outlive their sockets (PROTOCOL.md 11.1), over real sockets: who may resume, and how to ask. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { loadConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/observe/log.ts';
import { startServer } from '../../src/server.ts';
import { createTestEngine, startTestServer } from '../harness.ts';
import { connect, ResumingClient, turnOf } from './resuming-client.ts';

describe('a token', () => {
  it('opens nothing for another key, nor when it is made up, and says not why', async () => {
    const flags = ['--api-key', 'one=secret-1', '--api-key', 'one=secret-2', '--api-key', 'two=secret-3'];
    await using server = await startTestServer({ flags });
    const open = (secret: string) => new ResumingClient(server.url, { headers: { authorization: `Bearer ${secret}` } });
    using client = open('secret-1');
    const { token } = await client.connect();
    await client.cut();
    const answers = [];
    for (const [secret, as] of [
      ['secret-2', `${token}:0`],
      ['secret-3', `${token}:0`],
      ['secret-1', `${token}:1`],
      ['secret-1', `${'x'.repeat(43)}:0`],
    ] as const) {
      using other = open(secret);
      answers.push({ ...(await other.connect(as)), token: '' });
    }
    const anew = { type: 'longwire:connection', token: '', resumed: false, received: 0, grace_ms: 30_000 };
    expect(answers).toEqual(Array.from({ length: 4 }, () => ({ ...anew, idempotency: true })));
    expect(await client.connect()).toMatchObject({ resumed: true, token });
  });

  it('has 256 bits', async () => {
    await using server = await startTestServer();
    using one = await connect(server.url);
    using two = await connect(server.url);
    expect(Buffer.from(one.hello?.token ?? '', 'base64url')).toHaveLength(32);
    expect(one.hello?.token).not.toBe(two.hello?.token);
  });

  it('reaches no log', async () => {
    const lines: string[] = [];
    const config = loadConfig(['--port', '0', '--scripted', 'unused', '--log-level', 'trace'], {}, () => '');
    const log = createLog({ ...config.log, destination: { write: (line: string) => void lines.push(line) } });
    const server = await startServer(config, log, { engines: [createTestEngine()], store: null });
    using client = await connect(server.url);
    const tokens = [client.hello?.token ?? ''];
    client.create({});
    await turnOf(client);
    await client.cut();
    await client.connect();
    await client.cut();
    tokens.push((await client.connect(`${'x'.repeat(43)}:0`)).token);
    await server.close();
    expect(lines.join('')).toContain('connection');
    for (const token of tokens) expect(lines.join('')).not.toContain(token);
  });

  it.each(['', 'old', 'new:0', 'x:0', `${'x'.repeat(43)}:-1`, 'x'.repeat(43), `${'x'.repeat(43)}:01`])(
    'of the form %j is a 400',
    async (as) => {
      await using server = await startTestServer();
      await expect(connect(server.url, as)).rejects.toThrow('400');
    },
  );
});

describe('asking', () => {
  it('is possible in the query too', async () => {
    await using server = await startTestServer();
    const open = async (query: string) => {
      const socket = new WebSocket(`${server.url.replace(/^http/, 'ws')}/responses?longwire_resume=${query}`);
      const [data] = (await once(socket, 'message')) as [Buffer];
      socket.terminate();
      return JSON.parse(data.toString()) as { token: string; resumed: boolean };
    };
    const { token } = await open('new');
    expect(await open(`${token}:0`)).toMatchObject({ token, resumed: true });
    expect(await open(encodeURIComponent(`${token}:0`))).toMatchObject({ token, resumed: true });
  });

  it('is ignored by a server that has it switched off', async () => {
    await using server = await startTestServer({ flags: ['--resume-grace-ms', '0'] });
    const socket = new WebSocket(`${server.url.replace(/^http/, 'ws')}/responses`, {
      headers: { 'longwire-resume': 'new' },
    });
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'response.create', model: 'test-model', input: 'Hi.', longwire_seq: 1 }));
    const [data] = (await once(socket, 'message')) as [Buffer];
    expect(JSON.parse(data.toString())).toMatchObject({ type: 'response.created' });
    expect(data.toString()).not.toContain('longwire_seq');
    socket.terminate();
  });
});
