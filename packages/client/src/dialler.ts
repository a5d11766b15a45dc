/** Opens sockets for a connection: one at a time, within the time limit, and again after pauses. */
import { ConnectError } from './errors.ts';
import type { ConnectionLoss } from './errors.ts';
import { toBackoffMs } from './options.ts';
import type { RetryPolicy } from './options.ts';
import type { Socket, SocketListener } from './socket.ts';
import { Timers } from './timers.ts';

/** How a suspect socket is closed: for the server this is a cut, after which we come back. */
export const suspectCode = 4000;

/** Told of the sockets that are dialled, also after they have opened. */
export interface DialHost {
  /** Makes a socket that is opening; may throw what the platform throws. */
  dial(resume: string | null, listener: SocketListener): Socket;
  onOpen(socket: Socket): void;
  onText(socket: Socket, text: string): void;
  /** A socket that had opened has ended. */
  onClose(socket: Socket, code: number, reason: string): void;
}

/** Dials for one connection. */
export class Dialler {
  readonly #connectMs: number;
  readonly #host: DialHost;
  readonly #timers = new Timers<'dial' | 'retry'>();
  #dialling: Socket | null = null;

  constructor(connectMs: number, host: DialHost) {
    this.#connectMs = connectMs;
    this.#host = host;
  }

  /** Whether a socket is being opened. */
  get isDialling(): boolean {
    return this.#dialling !== null;
  }

  /** Opens a socket, which the host hears of first. `resume` is what is asked for: `new`, or a token and how far we are. */
  dial(resume: string | null, on: { opened(): void; failed(error: ConnectError): void }): void {
    const settle = () => {
      this.#timers.clear('dial');
      this.#dialling = null;
    };
    const fail = (message: string) => {
      settle();
      on.failed(new ConnectError(message));
    };
    let socket: Socket;
    const listener: SocketListener = {
      onOpen: () => {
        settle();
        this.#host.onOpen(socket);
        on.opened();
      },
      onText: (text) => this.#host.onText(socket, text),
      onClose: (code, reason) => {
        if (socket === this.#dialling) fail('No WebSocket could be opened');
        else this.#host.onClose(socket, code, reason);
      },
    };
    try {
      socket = this.#host.dial(resume, listener);
    } catch (error) {
      return fail(`No WebSocket can be made here: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.#dialling = socket;
    this.#timers.set('dial', this.#connectMs, () => {
      socket.drop(suspectCode, '');
      fail(`No WebSocket opened within ${this.#connectMs} ms`);
    });
  }

  /** Calls after a pause, unless it is stopped before. */
  wait(waitMs: number, then: () => void): void {
    this.#timers.set('retry', waitMs, then);
  }

  /** Gives up what it is doing. */
  stop(code: number): void {
    this.#timers.clearAll();
    this.#dialling?.drop(code, '');
    this.#dialling = null;
  }
}

/** How long to wait before a lost connection is dialled for again; null where there is no use in it. `attempt` counts from 0. */
export function toRedialMs(
  { code }: ConnectionLoss,
  attempt: number,
  retry: RetryPolicy,
  random: number,
): number | null {
  // A restarting server has many clients, which do not all come at once, and nothing to give back.
  const isRestart = code === 1012 || code === 1013;
  if (isRestart && attempt > 0) return null;
  return attempt === 0 && !isRestart ? 0 : toBackoffMs(retry, Math.max(0, attempt - 1), random);
}
