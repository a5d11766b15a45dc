/** The same rollout over HTTP and over a WebSocket at once: two servers alike, a link to each, and clients that wait for every turn. */
import type { Rollout } from '../../workloads/rollouts.ts';
import { openDriver, type BenchMode, type TurnTimes } from '../bench-driver.ts';
import { startDelayProxy } from '../delay-proxy.ts';
import { startDemoServer } from './server.ts';

/** What is played, and over what. */
export interface RaceOptions {
  readonly rollout: Rollout;
  /** Round-trip time of the links in milliseconds; 0: loopback as it is. */
  readonly rttMs: number;
  /** What the tools between two turns take, for the links: nobody waits for it, but a TCP window closes in such a silence. Milliseconds. */
  readonly pauseMs: number;
  /** Whether the WebSocket's frames are compressed, as Codex and browsers offer it. */
  readonly deflate: boolean;
  /** Tokens a second of the engine. */
  readonly rate: number;
}

/** One way through the rollout, and how far it has come: it grows while the race runs. */
export interface Side {
  readonly mode: BenchMode;
  readonly title: string;
  readonly turns: TurnTimes[];
  /** From the start of the race, before anything is connected; null until the last turn has ended. Milliseconds. */
  wallMs: number | null;
}

/** A race that is to be run, runs, or has ended. */
export class Race {
  readonly options: RaceOptions;
  /** Both send the same tools and instructions with each turn, as the API wants it. */
  readonly sides: readonly [Side, Side];
  #startMs: number | null = null;

  constructor(options: RaceOptions) {
    this.options = options;
    const mode = options.deflate ? 'ws-codex-deflate' : 'ws-codex';
    this.sides = [
      { mode: 'http-full', title: 'HTTP, full history', turns: [], wallMs: null },
      { mode, title: 'WebSocket, new items', turns: [], wallMs: null },
    ];
  }

  /** Since the clock started, once servers and links were there; 0 before. */
  get elapsedMs(): number {
    return this.#startMs === null ? 0 : performance.now() - this.#startMs;
  }

  /** Plays both sides to their ends. Throws the signal's reason, or what the first side that failed threw; nothing goes on then. */
  async run(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { rollout, rttMs, pauseMs, rate } = this.options;
    const flags = ['--scripted', rollout.name, '--scripted-rate', String(rate)];
    await using resources = new AsyncDisposableStack();
    const openWay = async (): Promise<string> => {
      const { url } = resources.use(await startDemoServer(flags));
      return rttMs === 0 ? url : resources.use(await startDelayProxy(url, rttMs, pauseMs)).url;
    };
    const urls = [await openWay(), await openWay()];
    const over = new AbortController();
    const stop = AbortSignal.any([signal, over.signal]);
    this.#startMs = performance.now();
    const plays = this.sides.map((side, index) => this.#play(side, urls[index] ?? '', stop));
    try {
      await Promise.all(plays);
    } finally {
      over.abort();
      await Promise.allSettled(plays);
      signal.throwIfAborted();
    }
  }

  async #play(side: Side, url: string, stop: AbortSignal): Promise<void> {
    const { name: model, instructions, tools, turns } = this.options.rollout;
    stop.throwIfAborted();
    const driver = await openDriver(side.mode, { url }, { model, instructions, tools });
    const close = (): void => driver.close();
    stop.addEventListener('abort', close, { once: true });
    try {
      for (const { input } of turns) {
        stop.throwIfAborted();
        side.turns.push(await driver.turn(input));
      }
      side.wallMs = this.elapsedMs;
    } finally {
      close();
    }
  }
}
