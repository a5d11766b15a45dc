/** Engines as the YAML file describes them, asked through the server. */
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/config.ts';
import { startServer, type RunningServer } from '../../../src/server.ts';
import { TestSocket } from '../../harness.ts';
import { startChatServer, type ChatServer } from '../openai-chat/chat-server.ts';
import { startResponsesServer } from '../openai-responses/responses-server.ts';

async function start(engines: object): Promise<RunningServer & AsyncDisposable> {
  const flags = ['--config', '/longwire.yaml', '--port', '0', '--store', 'off'];
  const config = loadConfig(flags, {}, () => JSON.stringify({ engines }));
  const server = await startServer(config, pino({ level: 'silent' }));
  return { ...server, [Symbol.asyncDispose]: () => server.close() };
}

function bodies({ asked }: ChatServer): Record<string, unknown>[] {
  return asked.filter(({ method }) => method === 'POST').map(({ body }) => JSON.parse(body) as Record<string, unknown>);
}

describe('engines of the YAML file', () => {
  it('speak to a chat server as it wants to be spoken to', async () => {
    const upstream = await startChatServer();
    await using server = await start({
      own: {
        url: upstream.baseUrl,
        'api-key': 'sk-own',
        headers: { 'x-team': 'blue' },
        models: ['own-model'],
        'max-tokens-field': 'max_completion_tokens',
        'developer-role': 'developer',
        'affinity-header': 'none',
        'extra-fields': { provider: { order: ['x'] } },
        'omitted-fields': ['stream_options'],
      },
    });
    expect(server.models.map(({ id }) => id)).toEqual(['own-model']);
    using socket = await TestSocket.open(server.url);
    const input = [{ type: 'message', role: 'developer', content: 'Be brief.' }];
    socket.create({ model: 'own-model', max_output_tokens: 9, input });
    expect((await socket.response()).status).toBe('completed');

    const [body] = bodies(upstream);
    expect(body).toMatchObject({
      max_completion_tokens: 9,
      provider: { order: ['x'] },
      messages: [{ role: 'developer', content: 'Be brief.' }],
    });
    expect(body).not.toHaveProperty('stream_options');
    const headers = upstream.asked.at(-1)?.headers;
    expect(headers).toMatchObject({ authorization: 'Bearer sk-own', 'x-team': 'blue' });
    expect(headers).not.toHaveProperty('x-session-affinity');
    await upstream.close();
  });

  it('are replicas where one has several URLs', async () => {
    const [a, b] = await Promise.all([startChatServer(), startChatServer()]);
    await using server = await start({ pair: { url: [a.baseUrl, b.baseUrl], 'max-concurrent': 1 } });
    const sockets = await Promise.all([TestSocket.open(server.url), TestSocket.open(server.url)]);
    for (const socket of sockets) socket.create({ model: 'm', input: 'Hi.' });
    const responses = await Promise.all(sockets.map((socket) => socket.response()));
    expect(responses.map(({ status }) => status)).toEqual(['completed', 'completed']);
    expect(bodies(a).length + bodies(b).length).toBe(2);
    for (const socket of sockets) socket.socket.terminate();
    await Promise.all([a.close(), b.close()]);
  });

  it('speak Responses over a socket', async () => {
    await using upstream = await startResponsesServer();
    await using server = await start({
      up: { kind: 'responses', url: upstream.baseUrl, lanes: 1, 'extra-fields': { service_tier: 'flex' } },
    });
    using socket = await TestSocket.open(server.url);
    socket.create({ input: 'One.' });
    const first = await socket.response();
    socket.create({ input: 'Two.', previous_response_id: first.id });
    expect((await socket.response()).status).toBe('completed');
    expect(upstream.asked.map(({ socket: number, body }) => [number, body.input.length])).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(upstream.asked[0]?.body).toMatchObject({ service_tier: 'flex' });
    expect(upstream.asked[0]?.body).not.toHaveProperty('stream_id');
  });

  it('say in one sentence that a provider is not installed', async () => {
    const claude = { kind: 'provider', package: '@longwire/no-such-provider', models: 'x' };
    await expect(start({ claude })).rejects.toThrow(
      'The provider package @longwire/no-such-provider is not installed. Run "npm install @longwire/no-such-provider"',
    );
  });
});
