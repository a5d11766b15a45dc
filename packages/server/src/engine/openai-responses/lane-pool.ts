/** The sockets and lanes of one upstream, handed out to turns: a chain finds its own lane again as long as that can be. */
import type { UpstreamErrors } from '../http/errors.ts';
import type { Anchor } from './context.ts';
import type { LaneTurn, TurnTimeouts, UpstreamLane } from './lane.ts';
import { openSocket, type SocketOptions, type UpstreamSocket } from './socket.ts';

/** How many lanes and sockets there may be. */
export interface PoolOptions {
  readonly socket: SocketOptions;
  readonly timeouts: TurnTimeouts;
  /** Lanes of one socket, 1 for upstreams without `stream_id`; null: the first turn finds out. */
  readonly lanes: number | null;
  readonly maxSockets: number;
  readonly acceptsCancel: boolean;
}

/** A lane that is held for one turn. */
export interface Lease {
  readonly lane: UpstreamLane;
  readonly turn: LaneTurn;
  /** Whether the upstream still has the anchor's response: only what came after it must be sent. */
  readonly continues: boolean;
}

/** As many lanes as OpenAI grants one connection, and as many as run at once (dossier I). */
const lanesWhereSupported = 32;
const maxRunning = 16;

/** Every lane that is held must be given back by `free` or `abandon`. */
export class LanePool {
  readonly #options: PoolOptions;
  readonly #errors: UpstreamErrors;
  #sockets: UpstreamSocket[] = [];
  /** Handshakes under way, and the one that all wait for where a socket has room for all. */
  #opening = 0;
  #sharedOpening: Promise<void> | null = null;
  #waiting: (() => void)[] = [];
  #lanes: number | null;
  #turns = 0;

  constructor(options: PoolOptions, errors: UpstreamErrors) {
    this.#options = options;
    this.#errors = errors;
    this.#lanes = options.lanes;
  }

  /**
   * A lane for a turn behind `anchor`: its own, another on the same socket when its own is busy (a fork), or any. Waits when all
   * are busy. Throws what `openSocket` throws, and the signal's reason.
   */
  async acquire(anchor: Anchor | null, signal: AbortSignal): Promise<Lease> {
    for (;;) {
      signal.throwIfAborted();
      const continued = anchor && this.#continue(anchor);
      if (continued) return this.#lease(continued, true);
      const lane = this.#findFree();
      if (lane) return this.#lease(lane, false);
      if (this.#sockets.length + this.#opening < this.#options.maxSockets) {
        await abortable(this.#openForTurn(), signal);
        continue;
      }
      const forgotten = this.#findOldest();
      if (forgotten) return this.#lease(forgotten, false);
      await abortable(this.#laneFreed(), signal);
    }
  }

  /** The turn has come to its end; `responseId` is what the upstream now keeps for the lane, if anything. */
  free(lane: UpstreamLane, responseId: string | null): void {
    lane.newest = responseId;
    lane.usedAt = ++this.#turns;
    lane.free();
    lane.socket.settle();
    this.#wakeAll();
  }

  /** The turn is left before its end. */
  abandon(lane: UpstreamLane): void {
    lane.socket.abandon(lane, this.#options.acceptsCancel);
  }

  /** What the first answer tells: whether the upstream echoes the name of a lane. */
  learnLanes(echoed: boolean): void {
    if (this.#lanes !== null) return;
    if (echoed) this.#lanes = lanesWhereSupported;
    else this.withoutLanes();
    this.#wakeAll();
  }

  /** The upstream has no lanes: each socket goes on with the one that it has. */
  withoutLanes(): void {
    this.#lanes = 1;
    for (const socket of this.#sockets) {
      const [first, ...others] = socket.lanes;
      if (first) first.name = null;
      if (others.length > 0) socket.retire();
    }
  }

  /** Nobody goes on from this response: its lane may serve another chain. */
  release(anchor: Anchor): void {
    if (anchor.lane.newest === anchor.responseId && !anchor.lane.busy) anchor.lane.newest = null;
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
    this.#sockets = [];
  }

  #continue({ lane, responseId }: Anchor): UpstreamLane | null {
    if (lane.newest !== responseId || !lane.socket.usable) return null;
    return lane.busy ? this.#addLane(lane.socket) : lane;
  }

  /** A lane that keeps nothing, or a new one on a socket with room. */
  #findFree(): UpstreamLane | null {
    for (const socket of this.#usable()) {
      const free = socket.lanes.find((lane) => !lane.busy && lane.newest === null);
      const lane = free && socket.running < this.#maxRunning ? free : this.#addLane(socket);
      if (lane) return lane;
    }
    return null;
  }

  #addLane(socket: UpstreamSocket): UpstreamLane | null {
    const { length } = socket.lanes;
    if (length >= Math.min(this.#lanes ?? 1, socket.maxLanes) || socket.running >= this.#maxRunning) return null;
    return socket.addLane(this.#lanes === 1 ? null : `lane-${length + 1}`);
  }

  /** The idle lane that was used longest ago: its chain will have to be told again. */
  #findOldest(): UpstreamLane | null {
    const idle = this.#usable().flatMap((socket) =>
      socket.running < this.#maxRunning ? socket.lanes.filter((lane) => !lane.busy) : [],
    );
    return idle.reduce<UpstreamLane | null>(
      (oldest, lane) => (oldest && oldest.usedAt <= lane.usedAt ? oldest : lane),
      null,
    );
  }

  get #maxRunning(): number {
    return this.#lanes === null ? 1 : Math.min(this.#lanes, maxRunning);
  }

  #usable(): UpstreamSocket[] {
    return this.#sockets.filter((socket) => socket.usable);
  }

  #lease(lane: UpstreamLane, continues: boolean): Lease {
    if (!continues) lane.newest = null;
    return { lane, turn: lane.reserve(this.#errors, this.#options.timeouts), continues };
  }

  /** Turns that come together share a new socket where it has lanes for all of them, and its failure. */
  #openForTurn(): Promise<void> {
    if ((this.#lanes ?? 1) === 1) return this.#open();
    this.#sharedOpening ??= this.#open().finally(() => (this.#sharedOpening = null));
    return this.#sharedOpening;
  }

  async #open(): Promise<void> {
    this.#opening++;
    try {
      const onFree = (): void => {
        this.#sockets = this.#sockets.filter((each) => !each.lost);
        this.#wakeAll();
      };
      this.#sockets.push(await openSocket(this.#options.socket, this.#errors, onFree));
    } finally {
      this.#opening--;
      this.#wakeAll();
    }
  }

  #laneFreed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** All look again, in the order in which they came. */
  #wakeAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}

/** The promise's outcome, or the signal's reason when that comes first. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
