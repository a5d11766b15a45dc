/** One ordered stream of turns on a connection, each continuing the one before (dossier D, E). */
import type { InputItem, Response, ServerEvent, SteerInput } from '@longwire/protocol';
import type { Carrier, Passenger } from './carrier.ts';
import type { ChainMemory, ChainNode } from './chain-memory.ts';
import { joinJson, toReplayableOutput } from './chain-memory.ts';
import { HistoryLostError } from './errors.ts';
import type { ConnectionLoss } from './errors.ts';
import type { Settings } from './options.ts';
import type { RefusedRequest } from './recovery.ts';
import type { Ground, LaneRequest } from './outgoing-request.ts';
import { Steers } from './steering.ts';
import type { Steering } from './steering.ts';
import { RunningTurn } from './running-turn.ts';
import type { Continued, TurnHost } from './turn-host.ts';
import { responseOf } from './turn-stream.ts';
import type { TurnEnd, TurnStream } from './turn-stream.ts';

/** How to run one turn. */
export interface TurnOptions {
  /**
   * Stops reading the turn, and the server's work on it where the server can be told (Longwire, and over HTTP). Elsewhere the
   * server finishes the turn, and the lane goes on from it then.
   */
  readonly signal?: AbortSignal;
}

/** One ordered stream of turns. Turns of different lanes run side by side. */
export interface Lane {
  /** Its `stream_id`; null for the default lane. */
  readonly name: string | null;
  /** Id of the response that the next turn continues: the last one that ended well. Null at the start. */
  readonly newest: string | null;
  /**
   * Starts a turn, or lets it wait for the one that runs. Turns that wait to continue a turn that fails, fail with it: what
   * they were to continue does not exist. The request is written down now; throws a `TypeError` for one that is no JSON.
   */
  create(request: LaneRequest, options?: TurnOptions): TurnStream;
  /** Gives input to the turn that runs. Without one, or over HTTP, it fails; nothing is thrown. */
  steer(input: SteerInput): Steering;
  /**
   * Ends the turn that runs. A Longwire ends it with what it has said so far, `incomplete`; elsewhere the turn rejects with an
   * `AbortError`.
   */
  cancel(): void;
  /**
   * A new lane that goes on from this one's newest response. Unless a name is given, it has that of such a fork that was closed,
   * or one after this lane. Throws a `TypeError` for a bad name, one that is taken, and on a closed lane.
   */
  fork(name?: string): Lane;
  /**
   * Gives up this lane, its place on the socket and its conversation; forks of it go on. Throws a `TypeError` while turns of it run
   * or wait, as their events would be the next one's of its name. Turns that are created later fail with a `ConnectionLostError`.
   */
  close(): void;
  /** The items of the conversation so far, input and output, as they would be sent again. Rejects with a `HistoryLostError`. */
  history(): Promise<InputItem[]>;
}

/** What a lane needs of its connection. */
export interface LaneHost {
  readonly settings: Settings;
  readonly memory: ChainMemory;
  /** How the connection ended; null while it has not. */
  closed(): ConnectionLoss | null;
  ready(lane: Passenger): Carrier | null;
  acquire(lane: Passenger): Promise<Carrier>;
  leave(lane: Passenger, carrier: Carrier, refusal: RefusedRequest): void;
  fork(from: ConnectedLane, name: string | undefined): Lane;
  onClose(lane: ConnectedLane): void;
  onLaneStatus(state: 'replaying' | 'waiting', reason: string, lane: string | null): void;
}

const laneClosed: ConnectionLoss = { code: 1000, reason: 'the lane was closed by this client', cause: null };

/** So many ended responses are told from the running one. */
const maxEnded = 16;

/** The lane of a connection. */
export class ConnectedLane implements Lane, Passenger {
  readonly name: string | null;
  readonly #host: LaneHost;
  readonly #turnHost: TurnHost;
  readonly #steers = new Steers();
  readonly #waiting: RunningTurn[] = [];
  readonly #ended: string[] = [];
  #running: RunningTurn | null = null;
  #isClosed = false;
  #node: ChainNode | null;
  /** Accepted steers that the server keeps for the next request. */
  #owed: { readonly json: string; readonly carrier: number } | null = null;

  constructor(name: string | null, host: LaneHost, newest: ChainNode | null) {
    this.name = name;
    this.#host = host;
    this.#node = newest;
    const { settings, memory } = host;
    this.#turnHost = {
      settings,
      memory,
      passenger: this,
      steers: this.#steers,
      ready: () => host.ready(this),
      acquire: () => host.acquire(this),
      leave: (carrier, refusal) => host.leave(this, carrier, refusal),
      hasEnded: (id) => this.#ended.includes(id),
      disown: (id) => this.#noteEnd(id),
      commit: (response, ground, carrier) => this.#commit(response, ground, carrier),
      onReplay: () => host.onLaneStatus('replaying', 'the server has lost the conversation', name),
      onPause: (reason) => host.onLaneStatus('waiting', reason, name),
      onEnd: (turn, end) => this.#onEnd(turn, end),
    };
  }

  get newest(): string | null {
    return this.#node?.id ?? null;
  }

  /** What can be continued from here. */
  get node(): ChainNode | null {
    return this.#node;
  }

  get isBusy(): boolean {
    return this.#running !== null;
  }

  get isWaiting(): boolean {
    return this.#running?.isWaiting ?? false;
  }

  get isExtended(): boolean {
    return this.#running?.isExtended ?? false;
  }

  isSteering(responseId: string): boolean {
    return this.#steers.isOpen(responseId);
  }

  create(request: LaneRequest, options: TurnOptions = {}): TurnStream {
    const job = new RunningTurn(request, options.signal, this.#turnHost);
    const loss = this.#isClosed ? laneClosed : this.#host.closed();
    if (loss) job.shut(loss);
    else this.#waiting.push(job);
    this.#startNext();
    return job.turn;
  }

  steer(input: SteerInput): Steering {
    const steering = this.#steers.add(input);
    if (this.#running?.canBeSteered) this.#running.sendControls();
    else this.#steers.failUnsent();
    return steering;
  }

  cancel(): void {
    this.#running?.cancel();
  }

  fork(name?: string): Lane {
    if (this.#isClosed) throw new TypeError('A closed lane cannot be forked.');
    return this.#host.fork(this, name);
  }

  close(): void {
    if (this.#isClosed) return;
    if (this.#running || this.#waiting.length > 0) {
      throw new TypeError('A lane cannot be closed while turns of it run or wait: await or cancel them first.');
    }
    this.#isClosed = true;
    this.#node = null;
    this.#owed = null;
    this.#host.onClose(this);
  }

  async history(): Promise<InputItem[]> {
    if (this.#node === null) return [];
    const json = await this.#host.memory.read(this.#node);
    if (json === null) throw new HistoryLostError(null);
    return JSON.parse(`[${json}]`) as InputItem[];
  }

  receive(event: ServerEvent, bytes: number): void {
    if (!this.#running) return this.#overhear(event);
    if (!event.type.startsWith('response.steer.')) return this.#running.receive(event, bytes);
    const waiting = this.#steers.receive(event);
    if (waiting !== '') this.#owe(waiting);
    this.#running.receiveSteering(event, bytes);
  }

  /** A response that nobody waits for, as to a request that came to the server twice: its end must not be the next turn's. */
  #overhear(event: ServerEvent): void {
    const response = responseOf(event);
    if (response && !this.#ended.includes(response.id)) this.#noteEnd(response.id);
  }

  waitingBytes(): number {
    return Math.max(this.#running?.waitingBytes() ?? 0, this.#steers.waitingBytes());
  }

  lose(loss: ConnectionLoss, isBlamed: boolean): void {
    this.#running?.lose(loss, isBlamed);
  }

  /** Ends all turns: the connection was closed. */
  shut(loss: ConnectionLoss): void {
    const jobs = this.#running ? [this.#running, ...this.#waiting] : [...this.#waiting];
    this.#waiting.length = 0;
    for (const job of jobs) job.shut(loss);
    this.#steers.failAll('connection_lost', 'The connection was closed.');
  }

  #startNext(): void {
    while (!this.#running) {
      const job = this.#waiting.shift();
      if (!job) return;
      if (job.turn.isSettled) continue;
      this.#running = job;
      job.start(this.#groundOf(job.request));
    }
  }

  /** What a request goes on from, and the steers that wait for it. */
  #groundOf({ previous_response_id: id }: LaneRequest): Ground {
    const parent = id === undefined ? this.#node : id === null ? null : this.#find(id);
    // Steers go with the chain that they were said in; a lane that goes another way leaves them (dossier F.2).
    const steered = parent === this.#node ? this.#owed : null;
    this.#owed = null;
    return { parent, steered };
  }

  #find(id: string): ChainNode {
    const { memory } = this.#host;
    return memory.find(id) ?? memory.add({ id, parent: null, isStored: false, isForeign: true, carrier: null }, null);
  }

  #owe(json: string): void {
    const before = this.#owed?.json ?? '';
    this.#owed = { json: joinJson(before, json), carrier: this.#node?.carrier ?? 0 };
  }

  #commit(response: Response, { parent, input }: Continued, carrier: Carrier): void {
    const { json, isWindow } = toReplayableOutput(response.output);
    const node = {
      id: response.id,
      parent: isWindow ? null : parent,
      isStored: response.store ?? false,
      isForeign: false,
      carrier: carrier.kind === 'socket' ? carrier.id : null,
    };
    this.#node = this.#host.memory.add(node, isWindow ? json : joinJson(input, json));
    this.#host.memory.trim();
    this.#noteEnd(response.id);
  }

  #noteEnd(responseId: string): void {
    this.#ended.push(responseId);
    if (this.#ended.length > maxEnded) this.#ended.shift();
  }

  #onEnd(turn: RunningTurn, end: TurnEnd): void {
    const { responseId } = turn.turn;
    if (responseId !== null && !this.#ended.includes(responseId)) this.#noteEnd(responseId);
    const at = this.#waiting.indexOf(turn);
    if (at >= 0) this.#waiting.splice(at, 1);
    // Steers are the running turn's: one that is given up in the queue has none.
    if (this.#running !== turn) return;
    this.#steers.failAll('response_not_active', 'The response ended before the steer was applied.');
    this.#running = null;
    if ('error' in end && !turn.isAbandoned) this.#failContinuations(end.error);
    // Not at once: what carries the turn is about to hear of its end first.
    queueMicrotask(() => this.#startNext());
  }

  #failContinuations(error: Error): void {
    while (this.#waiting[0]?.request.previous_response_id === undefined) {
      const next = this.#waiting.shift();
      if (!next) return;
      next.fail(error);
    }
  }
}
