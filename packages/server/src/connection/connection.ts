/** The state of one socket: takes frames in, sorts them into lanes, gives events back (dossier B, D, E). No socket, no timer. */
import {
  createId,
  errors,
  parseCancel,
  parseCreateRequest,
  parseFrame,
  parseSteer,
  toClientFrame,
  toErrorEvent,
  toProtocolError,
  type ClientFrame,
  type CreateRequest,
  type KnownEvent,
  type ProtocolError,
  type SteerInput,
} from '@longwire/protocol';
import type { ChainNode } from '../chain/node.ts';
import { steerMessage } from '../turn/steering.ts';
import type { Log } from '../observe/log.ts';
import type { TurnServices } from '../turn/turn.ts';
import { logFailure } from '../turn/withheld.ts';
import { Channel, type Taker } from './channel.ts';
import { Lane, type LaneSurroundings } from './lane.ts';
import type { ConnectionLimits } from './limits.ts';
import { Scheduler, type Start } from './scheduler.ts';

/** Events of one lane that belong into one write. */
export interface LaneEvents {
  /** Null for the default lane, whose events carry no `stream_id`. */
  readonly streamId: string | null;
  readonly events: readonly KnownEvent[];
}

/** What waits in a lane: a request to run, or a refusal that must not overtake the answers before it. */
type Job =
  | { readonly kind: 'create'; readonly lane: Lane; readonly body: CreateRequest; readonly parent: ChainNode | null }
  | { readonly kind: 'refusal'; readonly lane: Lane; readonly error: ProtocolError; readonly parentId: string | null };

/** What a refused request is told to wait before it tries again. */
const queueRetryMs = 1000;

/** One connection of one project. */
export class Connection {
  /** For the log: `conn_…`. */
  readonly id = createId('conn');
  readonly #limits: ConnectionLimits;
  readonly #isAuthorized: () => boolean;
  readonly #log: Log;
  readonly #lanes = new Map<string | null, Lane>();
  readonly #surroundings: LaneSurroundings;
  readonly #scheduler: Scheduler<Job>;
  readonly #output = new Channel<LaneEvents>();
  readonly #awaitingIdle: (() => void)[] = [];
  #closed = false;
  /** Why no new request is taken. */
  #retired: ProtocolError | null = null;

  /** `isAuthorized`: whether the key that opened the connection still holds; asked with each request. */
  constructor(services: TurnServices, project: string, limits: ConnectionLimits, isAuthorized: () => boolean) {
    this.#limits = limits;
    this.#isAuthorized = isAuthorized;
    this.#scheduler = new Scheduler(limits.maxInFlight, (job) => (job.kind === 'create' ? 1 : 0));
    this.#log = services.log;
    this.#log.debug({ connectionId: this.id, project }, 'connection opened');
    this.#surroundings = {
      connectionId: this.id,
      services,
      project,
      maxPendingSteers: limits.maxPendingSteers,
      send: (streamId, events) => this.#output.push({ streamId, events }),
      findNewest: (responseId) => this.#findNewest(responseId),
      held: () => this.#held(),
      isContinued: (lane, responseId) =>
        this.#scheduler
          .waitingIn(laneKey(lane.id))
          .some((job) => job.kind === 'create' && job.body.previous_response_id === responseId),
    };
  }

  /** Gives batches of events, in the order in which they must be sent, until the connection was closed. Call it once. */
  read(take: Taker<LaneEvents>): Promise<void> {
    return this.#output.read(take);
  }

  /**
   * Answers that the socket has not taken yet, and those that wait for the turns before them although the queue is full: a client
   * that lets them pile up should not be read from either.
   */
  get backlog(): number {
    return this.#output.size + Math.max(0, this.#scheduler.waiting - this.#limits.maxQueued);
  }

  /** Lanes that it has, the unnamed one included. */
  get lanes(): number {
    return this.#lanes.size;
  }

  /** Requests that wait for their turn. */
  get waiting(): number {
    return this.#scheduler.waiting;
  }

  /** Whether nothing runs and nothing waits. */
  get idle(): boolean {
    return this.#scheduler.running === 0 && this.#scheduler.waiting === 0;
  }

  /** Resolves when the connection is idle. */
  settled(): Promise<void> {
    if (this.idle) return Promise.resolve();
    return new Promise((resolve) => this.#awaitingIdle.push(resolve));
  }

  /** One text frame from the client. Never throws: what is wrong with it goes back as an event. */
  receive(text: string): void {
    let frame: ClientFrame;
    try {
      frame = parseFrame(text);
    } catch (thrown) {
      return this.refuse(toProtocolError(thrown));
    }
    this.#take(frame);
  }

  /** The same for a frame whose JSON was parsed already. */
  receiveBody(body: Record<string, unknown>): void {
    let frame: ClientFrame;
    try {
      frame = toClientFrame(body);
    } catch (thrown) {
      return this.refuse(toProtocolError(thrown));
    }
    this.#take(frame);
  }

  #take(frame: ClientFrame): void {
    switch (frame.type) {
      case 'response.create':
        return this.#receiveCreate(frame.streamId, frame.body);
      case 'response.steer':
        return this.#receiveSteer(frame.body);
      case 'response.cancel':
        return this.#receiveCancel(frame.body);
      case 'response.inject':
        return this.refuse(errors.unknownEventType(frame.type));
      case 'response.processed':
    }
  }

  /** An error of a frame that belongs to no lane that we know: told on the default lane, after what runs there. */
  refuse(error: ProtocolError): void {
    this.#enqueue({ kind: 'refusal', lane: this.#lane(null), error, parentId: null });
  }

  /** There is no time left: ends what runs with `response.failed`, and what begins all the same. Call `retire` first. */
  fail(error: ProtocolError): void {
    for (const lane of this.#lanes.values()) lane.fail(error);
  }

  /** Takes no new requests: those that wait and those that come are refused in their lanes. What runs goes on. */
  retire(error: ProtocolError): void {
    this.#retired ??= error;
    for (const { job } of this.#scheduler.clear()) {
      this.#enqueue(job.kind === 'refusal' ? job : { kind: 'refusal', lane: job.lane, error, parentId: null });
    }
  }

  /** Ends the output after what was said, and after a last error that belongs to no request. */
  end(error: ProtocolError | null): void {
    if (error) this.#sendError(null, error);
    this.#output.close();
  }

  /** The socket is gone, or will be: stops every turn and forgets every lane. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#log.debug({ connectionId: this.id }, 'connection closed');
    this.#scheduler.clear();
    for (const lane of this.#lanes.values()) lane.close();
    this.#lanes.clear();
    this.#output.close(true);
  }

  #receiveCreate(streamId: string | null, raw: Record<string, unknown>): void {
    const { maxLanes, maxQueued } = this.#limits;
    if (streamId !== null && !this.#lanes.has(streamId) && this.#namedLanes >= maxLanes) {
      const error = errors.streamLimitReached(maxLanes);
      this.#surroundings.services.meter?.refuse('websocket', error.entry);
      return this.#sendError(streamId, error);
    }
    const lane = this.#lane(streamId);
    if (this.#scheduler.waiting >= maxQueued && !this.#scheduler.isFree(laneKey(streamId))) {
      // In its lane's order, like every answer; and the parent stays, because the client is told to try again.
      const error = errors.queueLimitReached(maxQueued, queueRetryMs);
      return this.#enqueue({ kind: 'refusal', lane, error, parentId: null });
    }
    const refusal = this.#retired ?? (this.#isAuthorized() ? null : errors.invalidApiKey());
    if (refusal) return this.#enqueue({ kind: 'refusal', lane, error: refusal, parentId: null });
    try {
      const body = parseCreateRequest(raw, 'websocket');
      const parentId = body.previous_response_id;
      // Bound now, so that a fork never races the lane that it forks from (dossier D.5).
      const parent = parentId ? this.#findNewest(parentId) : null;
      this.#enqueue({ kind: 'create', lane, body, parent });
    } catch (thrown) {
      const parentId = raw['previous_response_id'];
      this.#enqueue({
        kind: 'refusal',
        lane,
        error: toProtocolError(thrown),
        parentId: typeof parentId === 'string' ? parentId : null,
      });
    }
  }

  #receiveSteer(raw: Record<string, unknown>): void {
    const result = parseSteer(raw);
    if (!result.ok) {
      return this.#failSteer('invalid_input', result.message, result.previousResponseId, result.input as SteerInput);
    }
    const { steer } = result;
    for (const lane of this.#lanes.values()) if (lane.steer(steer)) return;
    const code = 'response_not_found';
    this.#failSteer(code, steerMessage(code), steer.previousResponseId, steer.input);
  }

  /** A steer without a target has no series of its own to be numbered in (dossier O.19). */
  #failSteer(code: string, message: string, previous_response_id: string, input: SteerInput): void {
    this.#send(null, {
      type: 'response.steer.failed',
      sequence_number: 0,
      error: { type: 'invalid_request_error', code, message },
      steer: { previous_response_id, input },
    });
  }

  /** A response that does not run, or no longer, is left alone: a cancel may well cross the terminal event. */
  #receiveCancel(raw: Record<string, unknown>): void {
    try {
      const { responseId } = parseCancel(raw);
      for (const lane of this.#lanes.values()) if (lane.cancel(responseId)) return;
    } catch (thrown) {
      this.refuse(toProtocolError(thrown));
    }
  }

  #enqueue(job: Job): void {
    this.#start(this.#scheduler.enqueue(laneKey(job.lane.id), job));
  }

  #start(starts: readonly Start<Job>[]): void {
    for (const { lane, job } of starts) {
      const ended = this.#run(job).catch((thrown: unknown) => {
        // A defect of ours must not take the process with it, and everybody's turns.
        const error = toProtocolError(thrown, this.id);
        logFailure(this.#log, error, { connectionId: this.id, streamId: job.lane.id });
        job.lane.breakOff(error);
      });
      void ended.finally(() => {
        this.#start(this.#scheduler.finish(lane));
        if (this.idle) for (const resolve of this.#awaitingIdle.splice(0)) resolve();
      });
    }
  }

  async #run(job: Job): Promise<void> {
    if (this.#closed) return;
    if (job.kind === 'refusal') job.lane.refuse(job.error, job.parentId);
    else await job.lane.run(job.body, job.parent);
  }

  get #namedLanes(): number {
    return this.#lanes.size - (this.#lanes.has(null) ? 1 : 0);
  }

  #lane(id: string | null): Lane {
    let lane = this.#lanes.get(id);
    if (!lane) {
      lane = new Lane(id, this.#surroundings);
      this.#lanes.set(id, lane);
    }
    return lane;
  }

  #findNewest(responseId: string): ChainNode | null {
    for (const lane of this.#lanes.values()) if (lane.newest?.id === responseId) return lane.newest;
    return null;
  }

  /** All nodes that the lanes hold, the newest of each lane first. */
  *#held(): Generator<ChainNode> {
    for (const lane of this.#lanes.values()) {
      for (const last of [lane.newest, lane.lapsed]) for (let node = last; node; node = node.parent) yield node;
    }
  }

  #sendError(streamId: string | null, error: ProtocolError): void {
    this.#send(streamId, toErrorEvent(error, 0));
  }

  #send(streamId: string | null, event: KnownEvent): void {
    void this.#output.push({ streamId, events: [event] });
  }
}

function laneKey(id: string | null): string {
  // No stream id holds a space: the default lane's key cannot meet a named one.
  return id ?? ' ';
}
