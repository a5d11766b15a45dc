/** The cutting proxy in front of a real server: a turn of ten events, and a fault at the fourth. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startChaosProxy } from '../../src/chaos/proxy.ts';
import type { ChaosHooks, ChaosProxy } from '../../src/chaos/proxy.ts';
import type { Fault } from '../../src/chaos/fault.ts';
import { createEchoEngine } from '../echo-engine.ts';
import { isTerminal, startTestServer, TestSocket } from '../harness.ts';
import type { Frame } from '../harness.ts';

const whole = [
  'response.created',
  'response.in_progress',
  'response.output_item.added',
  'response.content_part.added',
  'response.output_text.delta',
  'response.output_text.delta',
  'response.output_text.done',
  'response.content_part.done',
  'response.output_item.done',
  'response.completed',
];

/** The types of a turn's events, and with which code the socket closed when it did before the end. */
async function turn(socket: TestSocket): Promise<(string | number)[]> {
  const seen: (string | number)[] = [];
  socket.create({});
  for (;;) {
    const frame = await socket.next().catch(() => null);
    seen.push(frame?.type ?? socket.closed?.code ?? 0);
    if (frame === null || isTerminal(frame)) return seen;
  }
}

async function startProxy(target: string, hooks: ChaosHooks = {}): Promise<ChaosProxy> {
  return await startChaosProxy({ target: new URL(target), ...hooks });
}

/** The fault at the fourth frame down of the first connection. */
function fourthDown(fault: Fault): ChaosHooks {
  return {
    judge: ({ connection, direction, frame }) =>
      connection === 1 && direction === 'down' && frame === 4 ? fault : null,
  };
}

describe('the cutting proxy', () => {
  it.each<[string, Fault, (string | number)[]]>([
    ['cut', { kind: 'cut', after: false }, [...whole.slice(0, 3), 1006]],
    ['cut-after', { kind: 'cut', after: true }, [...whole.slice(0, 4), 1006]],
    ['reset', { kind: 'reset', after: false }, [...whole.slice(0, 3), 1006]],
    ['reset-after', { kind: 'reset', after: true }, [...whole.slice(0, 4), 1006]],
    ['close', { kind: 'close', after: false, code: 1013 }, [...whole.slice(0, 3), 1013]],
    ['truncate', { kind: 'truncate' }, [...whole.slice(0, 3), 1006]],
    ['duplicate', { kind: 'duplicate' }, whole.toSpliced(3, 0, whole[3] ?? '')],
    ['delay', { kind: 'delay', ms: 10 }, whole],
  ])('plays %s at its frame, and lets the next connection pass', async (_name, fault, expected) => {
    await using server = await startTestServer();
    await using proxy = await startProxy(server.url, fourthDown(fault));
    using first = await TestSocket.open(proxy.url);
    expect(await turn(first)).toEqual(expected);
    using second = await TestSocket.open(proxy.url);
    expect(await turn(second)).toEqual(whole);
    const faults = [{ fault, at: { connection: 1, direction: 'down', frame: 4 } }];
    expect(proxy.connections).toMatchObject([
      { number: 1, status: 101, up: 1, faults },
      { number: 2, status: 101, up: 1, down: whole.length, faults: [] },
    ]);
  });

  it('lets nothing pass in a stall, not even the end of a side', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const stalled = Promise.withResolvers<void>();
    await using proxy = await startProxy(server.url, {
      judge: ({ direction, frame }) => {
        if (direction !== 'up' || frame !== 2) return null;
        stalled.resolve();
        return { kind: 'stall' };
      },
    });
    using socket = await TestSocket.open(proxy.url);
    expect((await turn(socket)).at(-1)).toBe('response.completed');
    socket.create({});
    await stalled.promise;
    socket.socket.terminate();
    await once(socket.socket, 'close');
    expect(proxy.connections).toMatchObject([{ isOpen: true, up: 2, down: 9 }]);
    expect(calls.filter(({ kind }) => kind === 'generate')).toHaveLength(1);
  });

  it('tells when a server gives up on a line that is stalled, while the client still waits', async () => {
    await using server = await startTestServer({ flags: ['--ping-interval-ms', '100', '--dead-peer-ms', '200'] });
    const left = Promise.withResolvers<void>();
    await using proxy = await startProxy(server.url, {
      changed: () => {
        if (proxy.connections.some(({ status, hasServer }) => status === 101 && !hasServer)) left.resolve();
      },
    });
    using socket = await TestSocket.open(proxy.url);
    expect(await turn(socket)).toEqual(whole);
    expect(proxy.connections).toMatchObject([{ isOpen: true, hasServer: true }]);
    await proxy.breakAll({ kind: 'stall' });
    await left.promise;
    expect(proxy.connections).toMatchObject([{ isOpen: true, hasServer: false }]);
    expect(socket.closed).toBeNull();
  });

  it('loses a frame up: the server never sees it', async () => {
    const { engine, calls } = createEchoEngine();
    await using server = await startTestServer({ engines: [engine] });
    const cut: Fault = { kind: 'truncate' };
    await using proxy = await startProxy(server.url, { judge: ({ direction }) => (direction === 'up' ? cut : null) });
    using socket = await TestSocket.open(proxy.url);
    expect(await turn(socket)).toEqual([1006]);
    await server.drain();
    expect(calls).toEqual([]);
  });

  it('refuses an upgrade, and hands on what the server says to one', async () => {
    await using server = await startTestServer({ flags: ['--api-key', 'team=right'] });
    const refusalOf = (connection: number) => (connection === 1 ? 503 : null);
    await using proxy = await startProxy(server.url, { refusalOf });
    await expect(TestSocket.open(proxy.url)).rejects.toThrow('503');
    await expect(TestSocket.open(proxy.url)).rejects.toThrow('401');
    using socket = await TestSocket.open(proxy.url, { headers: { authorization: 'Bearer right' } });
    expect(await turn(socket)).toEqual(whole);
    expect(proxy.connections.map(({ status }) => status)).toEqual([503, 401, 101]);
  });

  it('breaks every line at once', async () => {
    await using server = await startTestServer();
    await using proxy = await startProxy(server.url);
    using first = await TestSocket.open(proxy.url);
    using second = await TestSocket.open(proxy.url);
    await proxy.breakAll({ kind: 'close', after: false, code: 1012 });
    expect([first.closed?.code, second.closed?.code]).toEqual([1012, 1012]);
  });

  it('tells with which code the server closed, and passes it on', async () => {
    await using server = await startTestServer();
    await using proxy = await startProxy(server.url);
    using socket = await TestSocket.open(proxy.url);
    const closed = once(socket.socket, 'close');
    await server.drain();
    await closed;
    expect(socket.closed?.code).toBe(1012);
    expect(proxy.connections).toMatchObject([{ serverCloseCode: 1012 }]);
  });

  it('reads what passes, where it is asked to keep the two from compressing', async () => {
    await using server = await startTestServer();
    const read: Frame[] = [];
    await using proxy = await startChaosProxy({
      target: new URL(server.url),
      isReadable: true,
      judge: (_place, frame) => {
        read.push(JSON.parse(frame.payload().toString()) as Frame);
        return null;
      },
    });
    using socket = await TestSocket.open(proxy.url);
    socket.create({ input: 'long '.repeat(50_000) });
    await socket.turn();
    expect(read.map(({ type }) => type)).toEqual(['response.create', ...whole]);
  });

  it('hands plain HTTP on', async () => {
    await using server = await startTestServer();
    const bodies: string[] = [];
    await using proxy = await startProxy(server.url, { posted: (body) => void bodies.push(body) });
    const body = JSON.stringify({ model: 'test-model', input: 'Hi.', store: false });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${proxy.url}/responses`, { method: 'POST', headers, body });
    expect(await answer.json()).toMatchObject({ status: 'completed' });
    expect(bodies).toEqual([body]);
  });

  it('ends a connection whose server cannot be reached', async () => {
    // A port that was free a moment ago.
    const vacant = createServer().listen(0, '127.0.0.1');
    await once(vacant, 'listening');
    const { port } = vacant.address() as AddressInfo;
    vacant.close();
    await once(vacant, 'close');
    await using proxy = await startProxy(`http://127.0.0.1:${port}/v1`);
    await expect(TestSocket.open(proxy.url)).rejects.toThrow('socket hang up');
    expect(proxy.connections).toMatchObject([{ status: null }]);
  });
});
