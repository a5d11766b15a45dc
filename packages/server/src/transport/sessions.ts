/** All open sockets of the process: one timer for all of them keeps them alive and ends them (dossier I, J.5). */
import type { SocketSession } from './websocket.ts';

/** Times in milliseconds. */
export interface HeartbeatOptions {
  readonly pingIntervalMs: number;
  /** Silence after which a peer counts as dead; longer than the interval. */
  readonly deadPeerMs: number;
  readonly now: () => number;
}

/** The open sessions and their heartbeat. */
export class Sessions {
  readonly #sessions = new Set<SocketSession>();
  readonly #options: HeartbeatOptions;
  readonly #timer: NodeJS.Timeout;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.beat(), options.pingIntervalMs).unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  add(session: SocketSession): void {
    this.#sessions.add(session);
  }

  delete(session: SocketSession): void {
    this.#sessions.delete(session);
  }

  /** One beat: pings everyone, drops whoever was silent too long. */
  beat(): void {
    const deadline = this.#options.now() - this.#options.deadPeerMs;
    for (const session of this.#sessions) {
      if (session.lastSeenMs < deadline) session.terminate();
      else session.ping();
    }
  }

  /** Closes every session as soon as its turns have ended; whoever is left when `signal` aborts is dropped. */
  async drain(signal: AbortSignal): Promise<void> {
    clearInterval(this.#timer);
    const dropped = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    const closed = [...this.#sessions].map((session) => session.drain());
    await Promise.race([Promise.all(closed), dropped]);
    for (const session of this.#sessions) session.terminate();
  }
}
