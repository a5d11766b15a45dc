/** Lines that are cut between two turns (G15): how much later the next answer comes than it would have. */
import { once } from 'node:events';
import { connect, createNetworkMemory, type Connection } from '@longwire/client';
import { WebSocket } from 'ws';
import { startChaosProxy } from '../../packages/server/src/chaos/proxy.ts';
import { startDelayProxy } from '../../packages/server/src/cli/delay-proxy.ts';
import { createRandom } from '../../packages/server/src/workloads/random.ts';
import { toProse } from '../../packages/server/src/workloads/prose.ts';
import { median } from '../figures.ts';

/** Turns on a good line that the one after the cut is compared with. */
const undisturbedTurns = 3;
const messageTokens = 2000;

/** Where the line leads. */
export interface ReconnectOptions {
  /** Base URL of the server. */
  readonly url: string;
  /** A bare WebSocket server that echoes. */
  readonly echoUrl: string;
  readonly model: string;
  /** Of the modelled link. */
  readonly rttMs: number;
  /** Of the conversation before the cut, in tokens of four bytes. */
  readonly historyTokens: number;
}

/** One cut. Milliseconds. */
export interface Reconnect {
  /** From the cut to the end of the next turn, less a turn on a good line. */
  readonly extraMs: number;
  /** What a new socket takes by itself: connecting, upgrading. */
  readonly handshakeMs: number;
  /** Bytes of items in the requests after the cut. */
  readonly resentBytes: number;
}

/** Holds a conversation, cuts it, and goes on at once. */
export async function measureReconnect(options: ReconnectOptions): Promise<Reconnect> {
  const { url, echoUrl, model, rttMs, historyTokens } = options;
  const handshakeMs = await measureHandshake(echoUrl, rttMs);
  await using link = await openLink(url, rttMs);
  let resentBytes = 0;
  let isCut = false;
  await using proxy = await startChaosProxy({
    target: new URL(link.url),
    isReadable: true,
    judge: ({ direction }, frame) => {
      if (isCut && direction === 'up') resentBytes += frame.bytes.length;
      return null;
    },
  });
  let tellCut = (): void => {};
  const connection = await connect({
    baseUrl: proxy.url,
    networkMemory: createNetworkMemory(),
    onStatus: ({ state }) => {
      if (state !== 'open') tellCut();
    },
  });
  try {
    const lane = connection.lane();
    await lane.create({ model, store: false, input: toMessages(historyTokens) }).response;
    const undisturbed: number[] = [];
    while (undisturbed.length < undisturbedTurns) undisturbed.push(await timeTurn(lane, model));
    const noticed = new Promise<void>((resolve) => {
      tellCut = resolve;
    });
    isCut = true;
    const startMs = performance.now();
    const broken = proxy.breakAll({ kind: 'cut', after: false });
    await noticed;
    await timeTurn(lane, model);
    const totalMs = performance.now() - startMs;
    await broken;
    return { extraMs: totalMs - median(undisturbed), handshakeMs, resentBytes };
  } finally {
    connection.close();
  }
}

async function timeTurn(lane: ReturnType<Connection['lane']>, model: string): Promise<number> {
  const startMs = performance.now();
  await lane.create({ model, store: false, input: 'Go on.' }).response;
  return performance.now() - startMs;
}

async function measureHandshake(echoUrl: string, rttMs: number): Promise<number> {
  await using link = await openLink(echoUrl, rttMs);
  const startMs = performance.now();
  const socket = new WebSocket(link.url.replace(/^http/, 'ws'), { perMessageDeflate: false });
  await once(socket, 'open');
  const tookMs = performance.now() - startMs;
  socket.terminate();
  return tookMs;
}

/** Straight to the server where nothing is to be delayed: the proxy's timers are a millisecond long at least. */
async function openLink(url: string, rttMs: number): Promise<{ readonly url: string } & AsyncDisposable> {
  return rttMs === 0 ? { url, async [Symbol.asyncDispose]() {} } : startDelayProxy(url, rttMs);
}

function toMessages(tokens: number): { type: 'message'; role: 'user'; content: string }[] {
  const random = createRandom('reconnects');
  const count = Math.max(1, Math.ceil(tokens / messageTokens));
  return Array.from({ length: count }, () => ({
    type: 'message' as const,
    role: 'user' as const,
    content: toProse(random, tokens / count),
  }));
}
