/** All sockets of the process, and connections that wait for one: one timer keeps them alive and ends them (dossier I, J.5). */
import { setTimeout as delay } from 'node:timers/promises';
import type { SocketsReading } from '../observe/snapshot.ts';
import { farewellMs } from './lifetime.ts';
import type { Resumables } from './resumables.ts';
import { restartLeave, type SocketSession } from './websocket.ts';

/** The interval is served in this many parts, so that ten thousand pings do not hold up the turns. */
const slices = 20;
/** Clients are told to come back after one to five seconds, not all at once. */
const retryMs = { least: 1000, spread: 4000 };

/** The open sessions and their heartbeat. */
export class Sessions {
  readonly #slices: readonly Set<SocketSession>[] = Array.from({ length: slices }, () => new Set());
  readonly #resumables: Resumables;
  readonly #timer: NodeJS.Timeout;
  #next = 0;
  #added = 0;

  constructor(pingIntervalMs: number, resumables: Resumables) {
    this.#resumables = resumables;
    this.#timer = setInterval(() => this.beat(), pingIntervalMs / slices).unref();
  }

  get size(): number {
    return this.#slices.reduce((sum, slice) => sum + slice.size, 0);
  }

  /** All of them at this moment, connections that wait for a socket included: O(connections). */
  reading(): SocketsReading {
    const sessions = this.#slices.flatMap((slice) => [...slice]);
    const waiting = this.#resumables.waiting();
    // Once each: a connection may have an older socket that has not closed yet.
    const connections = [...new Set([...sessions.map(({ connection }) => connection), ...waiting])];
    return {
      open: sessions.length,
      waiting: waiting.length,
      lanes: connections.reduce((sum, { lanes }) => sum + lanes, 0),
      queued: connections.reduce((sum, { waiting }) => sum + waiting, 0),
      outboxBytes: sessions.reduce((sum, { outboxBytes }) => sum + outboxBytes, 0),
      resumeBytes: this.#resumables.keptBytes,
    };
  }

  add(session: SocketSession): void {
    this.#slices[this.#added++ % slices]?.add(session);
  }

  delete(session: SocketSession): void {
    for (const slice of this.#slices) if (slice.delete(session)) return;
  }

  /** Beats the next part of the sessions; each session is beaten once in every ping interval. */
  beat(): void {
    for (const session of this.#slices[this.#next] ?? []) session.beat();
    this.#next = (this.#next + 1) % slices;
    this.#resumables.sweep();
  }

  /**
   * Closes every session as soon as its turns have ended. When `signal` aborts, the turns that still run are cut, and
   * whoever has not closed a moment later is dropped.
   */
  async drain(signal: AbortSignal): Promise<void> {
    this.#resumables.close();
    const all = this.#slices.flatMap((slice) => [...slice]);
    const closed = Promise.all(
      all.map((session) => session.leave(restartLeave(retryMs.least + Math.random() * retryMs.spread))),
    );
    await Promise.race([closed, aborted(signal)]);
    for (const session of all) session.cut();
    const moment = new AbortController();
    await Promise.race([closed, delay(farewellMs, undefined, { signal: moment.signal })]);
    moment.abort();
    for (const session of all) session.terminate();
    clearInterval(this.#timer);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
