import { describe, expect, it } from 'vitest';
import { createApiKey } from '../../src/auth/keys.ts';
import { startTestServer, TestSocket } from '../harness.ts';

describe('a key that is taken away', () => {
  it('is refused on a socket that is open already, and the socket of another key goes on', async () => {
    await using server = await startTestServer({ flags: ['--api-key', 'blue=sk-one', '--api-key', 'green=sk-two'] });
    const open = (secret: string) => TestSocket.open(server.url, { headers: { authorization: `Bearer ${secret}` } });
    using blue = await open('sk-one');
    using green = await open('sk-two');
    blue.create({});
    const { id } = await blue.response();
    server.reload({ apiKeys: [createApiKey('green', 'sk-two')] });
    blue.create({ previous_response_id: id });
    expect(await blue.error()).toMatchObject({ status: 401, error: { code: 'invalid_api_key' } });
    green.create({});
    expect((await green.response()).status).toBe('completed');
    await expect(open('sk-one')).rejects.toThrow('401');
    server.reload({ apiKeys: [createApiKey('blue', 'sk-one')] });
    blue.create({ previous_response_id: id });
    expect((await blue.response()).status).toBe('completed');
  });
});

describe('lanes that are switched off', () => {
  it('are refused by name; without one, responses run one after another', async () => {
    await using server = await startTestServer({ flags: ['--max-lanes', '0'] });
    using socket = await TestSocket.open(server.url);
    socket.create({ stream_id: 'a' });
    expect(await socket.error()).toMatchObject({ stream_id: 'a', error: { code: 'websocket_stream_limit_reached' } });
    socket.create({});
    expect((await socket.response()).status).toBe('completed');
  });
});

describe('a project of which nothing is kept', () => {
  it('finds none of its responses again, and others find theirs', async () => {
    const flags = ['--api-key', 'blue=sk-one', '--api-key', 'green=sk-two', '--zero-retention-project', 'blue'];
    await using server = await startTestServer({ flags });
    const statusOf = async (secret: string) => {
      const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
      const body = JSON.stringify({ model: 'test-model', input: 'Hi.', store: true });
      const made = await fetch(`${server.url}/responses`, { method: 'POST', headers, body });
      const { id, store } = (await made.json()) as { id: string; store: boolean };
      const found = await fetch(`${server.url}/responses/${id}`, { headers });
      return { store, status: found.status };
    };
    expect(await statusOf('sk-one')).toEqual({ store: false, status: 404 });
    expect(await statusOf('sk-two')).toEqual({ store: true, status: 200 });
  });
});
