import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { attachUpgrade, type UpgradeOptions } from '../../src/transport/upgrade.ts';
import { startTestServer } from '../harness.ts';
import { openSocket } from './sockets.ts';

const handshake = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: { error: { code: string | null; message: string; type: string; param: string | null } };
}

/** What an upgrade is answered with when it is refused. */
async function refusal(url: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const asked = request(new URL(path, url), { headers: { ...handshake, ...headers } }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: JSON.parse(text) as Answer['body'] };
}

describe('an upgrade', () => {
  it.each(['/v1/responses', '/responses', '/v1/responses?api-version=1&model=x', '/responses?x'])(
    'is taken on %s, whatever headers come along',
    async (path) => {
      await using server = await startTestServer();
      const headers = { 'openai-beta': 'responses_websockets=2026-02-06', 'x-codex-turn-metadata': 'm'.repeat(20_000) };
      const socket = new WebSocket(new URL(path, server.url), { headers });
      const [answer] = (await once(socket, 'upgrade')) as [IncomingMessage];
      expect(answer.statusCode).toBe(101);
      socket.terminate();
    },
  );

  it.each([
    ['401', ['--api-key', 'team=secret'], '/v1/responses', {}, 401, 'invalid_api_key'],
    [
      '401, wrong key',
      ['--api-key', 'team=secret'],
      '/v1/responses',
      { authorization: 'Bearer x' },
      401,
      'invalid_api_key',
    ],
    ['403', [], '/v1/responses', { origin: 'https://evil.example' }, 403, 'origin_not_allowed'],
    ['403, no origin to speak of', [], '/v1/responses', { origin: 'null' }, 403, 'origin_not_allowed'],
    ['404', [], '/v1/realtime?model=x', {}, 404, 'unknown_url'],
    ['426', ['--no-websocket'], '/v1/responses', {}, 426, 'websocket_disabled'],
    ['426, with a query', ['--no-websocket'], '/responses?x=1', {}, 426, 'websocket_disabled'],
    ['400', [], '/v1/responses', { 'sec-websocket-key': 'short' }, 400, null],
    [
      '400, an impossible offer',
      [],
      '/responses',
      { 'sec-websocket-extensions': 'permessage-deflate; x=1' },
      400,
      null,
    ],
  ] as const)('is refused with %s and a JSON body', async (_name, flags, path, headers, status, code) => {
    await using server = await startTestServer({ flags });
    const answer = await refusal(server.url, path, headers);
    expect(answer).toMatchObject({
      status,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: { error: { type: 'invalid_request_error', code, param: null } },
    });
    expect(answer.body.error.message).toMatch(/\S/);
  });

  it('is refused while the server drains, and may be tried again', async () => {
    const server = createServer();
    const options = { services: { meter: null }, enabled: true, isDraining: () => true, session: { maxFrameBytes: 1 } };
    attachUpgrade(server, options as UpgradeOptions);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const answer = await refusal(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, '/v1/responses');
    expect(answer).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { error: { code: 'server_is_draining' } },
    });
    server.close();
  });

  it('from an allowed origin is taken', async () => {
    await using server = await startTestServer({ flags: ['--allow-origin', 'https://app.example'] });
    using socket = await openSocket(server.url, { headers: { origin: 'https://app.example' } });
    socket.create({});
    expect((await socket.response()).status).toBe('completed');
    expect((await refusal(server.url, '/responses', { origin: 'https://app.example.evil' })).status).toBe(403);
  });
});

describe('the key of a web page', () => {
  const key = ['--api-key', 'team=secret'];
  const offer = { 'sec-websocket-protocol': 'responses, openai-insecure-api-key.secret' };

  /** The answer to a handshake with these protocols, one of them a key. */
  async function open(url: string, protocols: string[]): Promise<IncomingMessage> {
    const socket = new WebSocket(new URL('/v1/responses', url), protocols);
    socket.on('error', () => {});
    const [answer] = (await once(socket, 'upgrade')) as [IncomingMessage];
    socket.terminate();
    return answer;
  }

  it('is taken from the subprotocol where the server is told to, and not said again', async () => {
    await using server = await startTestServer({ flags: [...key, '--subprotocol-keys'] });
    const answer = await open(server.url, ['responses', 'openai-insecure-api-key.secret']);
    expect(answer.headers['sec-websocket-protocol']).toBe('responses');
    const other = await open(server.url, ['openai-insecure-api-key.secret', 'realtime']);
    expect(other.headers['sec-websocket-protocol']).toBe('realtime');
    const alone = await open(server.url, ['openai-insecure-api-key.secret']);
    expect(alone.headers['sec-websocket-protocol']).toBeUndefined();
  });

  it('is no key where the server is not told to, and a wrong one nowhere; the header wins', async () => {
    await using server = await startTestServer({ flags: key });
    expect((await refusal(server.url, '/responses', offer)).status).toBe(401);
    await using open = await startTestServer({ flags: [...key, '--subprotocol-keys'] });
    const wrong = { 'sec-websocket-protocol': 'responses, openai-insecure-api-key.other' };
    expect((await refusal(open.url, '/responses', wrong)).status).toBe(401);
    expect((await refusal(open.url, '/responses', { ...offer, authorization: 'Bearer other' })).status).toBe(401);
  });

  it('does not stand in for a known origin', async () => {
    await using server = await startTestServer({ flags: [...key, '--subprotocol-keys'] });
    expect((await refusal(server.url, '/responses', { ...offer, origin: 'https://evil.example' })).status).toBe(403);
  });
});

describe('HTTP beside it', () => {
  const body = JSON.stringify({ model: 'test-model', input: 'Hi.', store: false });

  it.each(['/v1/responses', '/responses?x=1'])('takes POST %s with WebSocket mode off', async (path) => {
    await using server = await startTestServer({ flags: ['--no-websocket'] });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(new URL(path, server.url), { method: 'POST', headers, body });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ object: 'response', status: 'completed' });
  });

  it('lets pages of allowed origins read answers, streams and errors included, and no others', async () => {
    await using server = await startTestServer({
      flags: ['--allow-origin', 'https://app.example', '--api-key', 'a=b'],
    });
    const ask = (init: RequestInit) => fetch(new URL('/v1/responses', server.url), { method: 'POST', ...init });
    const origin = 'https://app.example';
    const headers = { origin, 'content-type': 'application/json', authorization: 'Bearer b' };
    const asking = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' };
    const preflight = await ask({ method: 'OPTIONS', headers: { origin, ...asking } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization');
    const answers = await Promise.all([
      ask({ headers, body }),
      ask({ headers, body: body.replace('{', '{"stream":true,') }),
      ask({ headers: { ...headers, authorization: 'Bearer x' }, body }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 401]);
    const allowed = [preflight, ...answers].map((answer) => answer.headers.get('access-control-allow-origin'));
    expect(allowed).toEqual([origin, origin, origin, origin]);
    await Promise.all(answers.map((answer) => answer.text()));
    const others = [
      await ask({ headers: { ...headers, origin: 'https://evil.example' }, body }),
      await ask({ method: 'OPTIONS', headers: { ...asking, origin: 'https://evil.example' } }),
      await ask({ method: 'OPTIONS', headers: asking }),
    ];
    expect(others.map((answer) => answer.headers.get('access-control-allow-origin'))).toEqual([null, null, null]);
    expect(others.map(({ status }) => status)).toEqual([200, 401, 401]);
  });

  it('serves a request that offers another upgrade', async () => {
    await using server = await startTestServer();
    const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'content-type': 'application/json' };
    const asked = request(new URL('/v1/responses', server.url), { method: 'POST', headers }).end(body);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(200);
    answer.resume();
  });
});

describe('a path that cannot be decoded', () => {
  it.each(['/v1/responses/%E0%A4%A', `/v1/responses/${'x'.repeat(600)}`])(
    'has an error of the catalogue',
    async (path) => {
      await using server = await startTestServer();
      const answer = await fetch(new URL(path, server.url));
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({
        error: { type: 'invalid_request_error', message: expect.any(String) },
      });
    },
  );
});
