import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { connect, ConnectError, ConnectionLostError, ResponsesError } from '../src/index.ts';
import { toSocketUrl } from '../src/endpoint.ts';
import { answer, refusal, startPeer } from './peer.ts';

describe('the address of the socket', () => {
  test.each([
    ['http://127.0.0.1:8787/v1', 'ws://127.0.0.1:8787/v1/responses'],
    ['https://api.example/v1/', 'wss://api.example/v1/responses'],
    ['https://api.example', 'wss://api.example/responses'],
    [
      'https://api.example/openai/v1?api-version=preview#x',
      'wss://api.example/openai/v1/responses?api-version=preview',
    ],
  ])('%s is %s', (baseUrl, socketUrl) => {
    expect(toSocketUrl(baseUrl).href).toBe(socketUrl);
  });

  test.each(['ws://127.0.0.1/v1', 'ftp://host/v1', 'no address', 'http://user:pass@host/v1'])(
    '%s is refused',
    (baseUrl) => {
      expect(() => toSocketUrl(baseUrl)).toThrow(TypeError);
    },
  );
});

describe('connect', () => {
  test('opens /v1/responses with the key in the upgrade', async () => {
    await using peer = await startPeer();
    const connection = await connect({ baseUrl: peer.baseUrl, apiKey: 'secret' });
    const { request } = await peer.accept();
    expect(request.url).toBe('/v1/responses');
    expect(request.headers.authorization).toBe('Bearer secret');
    expect(connection.isOpen).toBe(true);
    connection.close();
  });

  test('sends no Authorization without a key', async () => {
    await using peer = await startPeer();
    const connection = await connect({ baseUrl: peer.baseUrl });
    expect((await peer.accept()).request.headers.authorization).toBeUndefined();
    connection.close();
  });

  test('a refused upgrade is a ConnectError that names the address and not the query', async () => {
    await using peer = await startPeer(() => 401);
    const refused = connect({ baseUrl: `${peer.baseUrl}?token=secret`, fallback: 'never' });
    await expect(refused).rejects.toThrow(ConnectError);
    await expect(refused).rejects.toThrow(/opened at ws:\/\/127\.0\.0\.1:\d+\/v1\/responses\.$/);
  });

  test.each([
    ['a key', { apiKey: 'secret\nkey' }],
    ['a header', { headers: { authorization: 'secret\u20ac' } }],
  ])('%s that cannot be sent is named, and not shown', async (_, options) => {
    const error: unknown = await connect({ baseUrl: 'http://127.0.0.1:1/v1', ...options }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toBe('TypeError: The header authorization holds characters that cannot be sent.');
  });

  test('a server that never answers is given up after the time limit', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const baseUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/v1`;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const connecting = connect({ baseUrl, fallback: 'never', timeouts: { connectMs: 60_000 } });
      void once(silent, 'connection').then(() => vi.advanceTimersByTime(60_000));
      await expect(connecting).rejects.toThrow(/within 60000 ms/);
    } finally {
      vi.useRealTimers();
      silent.close();
    }
  });

  test('an aborted signal gives up with its reason', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const baseUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/v1`;
    const abort = new AbortController();
    const connecting = connect({ baseUrl, signal: abort.signal });
    await once(silent, 'connection');
    abort.abort(new Error('changed my mind'));
    await expect(connecting).rejects.toThrow('changed my mind');
    silent.close();
  });
});

describe('the end of a socket', () => {
  test('ends open and waiting turns of every lane with what is known of each', async () => {
    await using peer = await startPeer();
    const connection = await connect({ baseUrl: peer.baseUrl, resume: false });
    const socket = await peer.accept();
    const running = connection.lane().create({ input: 'one' });
    const waiting = connection.lane().create({ input: 'two' });
    const other = connection.lane('other').create({ input: 'three' });
    await socket.next();
    await socket.next();
    socket.send(...answer('resp_1', 'half').slice(0, 3));
    const events = running[Symbol.asyncIterator]();
    for (let i = 0; i < 3; i++) await events.next();
    socket.close(1012, 'service restart');

    await expect(running.response).rejects.toMatchObject({
      code: 1012,
      reason: 'service restart',
      sent: true,
      received: 3,
    });
    await expect(events.next()).rejects.toThrow(ConnectionLostError);
    // What waited to continue it has nothing to continue.
    await expect(waiting.response).rejects.toBe(await running.response.catch((error: unknown) => error));
    await expect(other.response).rejects.toMatchObject({ sent: true, received: 0 });
    connection.close();
  });

  test('a broken socket is 1006', async () => {
    await using peer = await startPeer();
    const connection = await connect({ baseUrl: peer.baseUrl, resume: false });
    const socket = await peer.accept();
    const turn = connection.lane().create({ input: 'one' });
    await socket.next();
    socket.drop();
    await expect(turn.response).rejects.toMatchObject({ name: 'ConnectionLostError', code: 1006 });
  });

  test('what the server said before it closed is the cause', async () => {
    await using peer = await startPeer();
    const connection = await connect({ baseUrl: peer.baseUrl, resume: false });
    const socket = await peer.accept();
    const turn = connection.lane('busy').create({ input: 'one' });
    await socket.next();
    socket.send(refusal('websocket_connection_limit_reached', 'Too old.'), { type: 'keepalive', sequence_number: 0 });
    socket.close(1001, 'connection limit reached');
    const lost = await turn.response.catch((error: unknown) => error);
    expect(lost).toBeInstanceOf(ConnectionLostError);
    expect((lost as ConnectionLostError).cause).toBeInstanceOf(ResponsesError);
    expect((lost as ConnectionLostError).cause).toMatchObject({ code: 'websocket_connection_limit_reached' });
  });

  test('close() ends the turns at once and tells the server', async () => {
    await using peer = await startPeer();
    const connection = await connect({ baseUrl: peer.baseUrl, resume: false });
    const socket = await peer.accept();
    const turn = connection.lane().create({ input: 'one' });
    await socket.next();
    connection.close();
    await expect(turn.response).rejects.toMatchObject({ code: 1000, sent: true });
    expect((await socket.closed)[0]).toBe(1000);
    await expect(connection.lane().create({ input: 'two' }).response).rejects.toMatchObject({
      code: 1000,
      sent: false,
    });
  });
});

test('a request that may have run is a lost one where no socket opens again', async () => {
  let sockets = 1;
  await using peer = await startPeer(() => (sockets-- > 0 ? 101 : 503));
  const retry = { attempts: 1, baseMs: 1 };
  const connection = await connect({ baseUrl: peer.baseUrl, fallback: 'never', retry });
  const socket = await peer.accept();
  const answer = { token: 'token', resumed: false, received: 0, grace_ms: 1, idempotency: true };
  socket.send({ type: 'longwire:connection', ...answer });
  const turn = connection.lane().create({ input: 'one' });
  await socket.next();
  socket.drop();
  await expect(turn.response).rejects.toThrow(ConnectionLostError);
  await expect(turn.response).rejects.toMatchObject({ sent: true, cause: { name: 'ConnectError' } });
  connection.close();
});

test('frames that are no events are skipped', async () => {
  await using peer = await startPeer();
  const connection = await connect({ baseUrl: peer.baseUrl, resume: false });
  const socket = await peer.accept();
  const turn = connection.lane().create({ input: 'one' });
  await socket.next();
  socket.sendRaw('[DONE]');
  socket.sendRaw('"text"');
  socket.sendRaw('{"no":"type"}');
  socket.sendRaw(Buffer.from([1, 2, 3]));
  socket.send(...answer('resp_1', 'fine'));
  await expect(turn.response).resolves.toMatchObject({ id: 'resp_1' });
  connection.close();
});
