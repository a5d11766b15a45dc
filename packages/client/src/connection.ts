/** A connection to a server: lanes that outlive the sockets under them (dossier A, E, K). */
import { ChainMemory } from './chain-memory.ts';
import type { ChainNode } from './chain-memory.ts';
import type { ConnectionLoss } from './errors.ts';
import { ConnectedLane } from './lane.ts';
import type { Lane, LaneHost } from './lane.ts';
import type { ConnectOptions } from './options.ts';
import { Routes } from './routes.ts';
import type { ConnectionState, ConnectionStatus } from './status.ts';

/** A connection to one server, over as many sockets, one after the other and side by side, as it takes. */
export interface Connection {
  /** Whether turns can still be started: until `close`. */
  readonly isOpen: boolean;
  /** How it is now. What concerns one lane only is told to `onStatus`. */
  readonly status: ConnectionStatus;
  /** The lane of this name, the same one until it is closed; without a name the default lane. Throws a `TypeError` for a bad name. */
  lane(name?: string): Lane;
  /** Ends every turn with a `ConnectionLostError` and closes the socket, which stops the server's work on them. */
  close(): void;
}

/** What `stream_id` may be (dossier B.1). */
const laneName = /^[A-Za-z0-9_.-]{1,256}$/;

/**
 * Connects. Tries once, so that a wrong address is told at once; what breaks later is mended. Throws a `TypeError` for options
 * that cannot be, a `ConnectError`, or the signal's reason.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const connection = new LanesConnection(options);
  await connection.start(options.signal);
  return connection;
}

class LanesConnection implements Connection {
  readonly #lanes = new Map<string | null, ConnectedLane>();
  /** Names that forks were given here. */
  readonly #made = new Set<string>();
  /** Those of closed forks: servers go on counting names, so they are used again. */
  readonly #freed = new Set<string>();
  readonly #routes: Routes;
  readonly #laneHost: LaneHost;
  readonly #onStatus: ((status: ConnectionStatus) => void) | undefined;
  #status: ConnectionStatus = { state: 'connecting', reason: '' };
  #loss: ConnectionLoss | null = null;

  constructor(options: ConnectOptions) {
    this.#onStatus = options.onStatus;
    this.#routes = new Routes(options, (state, reason) => this.#report(state, reason));
    const { settings } = this.#routes;
    const memory = new ChainMemory(settings.maxMemoryBytes, options.memory?.spill ?? null, () => this.#nodes());
    this.#laneHost = {
      settings,
      memory,
      closed: () => this.#loss,
      ready: (lane) => this.#routes.ready(lane),
      acquire: (lane) => this.#routes.acquire(lane),
      leave: (lane, carrier, refusal) => this.#routes.leave(lane, carrier, refusal),
      fork: (from, name) => this.#fork(from, name),
      onClose: (lane) => this.#release(lane),
      onLaneStatus: (state, reason, lane) => this.#onStatus?.({ state, reason, lane }),
    };
  }

  start(signal: AbortSignal | undefined): Promise<void> {
    return this.#routes.start(signal);
  }

  get isOpen(): boolean {
    return this.#loss === null;
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  lane(name?: string): Lane {
    checkName(name);
    return this.#lanes.get(name ?? null) ?? this.#add(name ?? null, null);
  }

  close(): void {
    if (this.#loss) return;
    this.#loss = { code: 1000, reason: 'closed by this client', cause: null };
    for (const lane of this.#lanes.values()) lane.shut(this.#loss);
    this.#routes.close();
    this.#report('closed', '');
  }

  #fork(from: ConnectedLane, given: string | undefined): Lane {
    checkName(given);
    const name = given ?? this.#makeName(from);
    if (this.#lanes.has(name)) throw new TypeError(`There is a lane '${name}' already.`);
    return this.#add(name, from.node);
  }

  #makeName({ name: parent }: ConnectedLane): string {
    const [freed] = this.#freed;
    if (freed !== undefined) return freed;
    let count = 1;
    const stem = (parent ?? 'default').slice(0, 240);
    while (this.#lanes.has(`${stem}.fork-${count}`)) count += 1;
    const name = `${stem}.fork-${count}`;
    this.#made.add(name);
    return name;
  }

  #release(lane: ConnectedLane): void {
    const { name } = lane;
    this.#lanes.delete(name);
    if (name !== null && this.#made.has(name)) this.#freed.add(name);
    this.#routes.unseat(lane);
  }

  #add(name: string | null, newest: ChainNode | null): ConnectedLane {
    const lane = new ConnectedLane(name, this.#laneHost, newest);
    this.#lanes.set(name, lane);
    if (name !== null) this.#freed.delete(name);
    return lane;
  }

  #nodes(): ChainNode[] {
    return [...this.#lanes.values()].flatMap(({ node }) => node ?? []);
  }

  #report(state: ConnectionState, reason: string): void {
    this.#status = { state, reason };
    this.#onStatus?.(this.#status);
  }
}

function checkName(name: string | undefined): void {
  if (name === undefined || laneName.test(name)) return;
  throw new TypeError('A lane is named by 1 to 256 letters, digits, underscores, hyphens and periods.');
}
