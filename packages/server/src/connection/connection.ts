/** The state of one socket: its lanes, what runs on them, and what goes back (dossier D, E). Knows no socket and no timer. */
import {
  errors,
  parseCreateRequest,
  parseFrame,
  toErrorEvent,
  toProtocolError,
  type ClientFrame,
  type CreateRequest,
  type ProtocolError,
  type KnownEvent,
} from '@longwire/protocol';
import type { ChainNode } from '../chain/node.ts';
import { resolveStoredNode } from '../chain/resolve.ts';
import { runTurn } from '../turn/runner.ts';
import { openTurn, type TurnServices } from '../turn/turn.ts';
import { Channel } from './channel.ts';
import { evictParent, Lanes, type Lane } from './lane.ts';
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
  | {
      readonly kind: 'refusal';
      readonly lane: Lane;
      readonly error: ProtocolError;
      readonly parentId: string | null;
    };

/** Longest wait that a refused request is told to make before it tries again. */
const queueRetryMs = 1000;

/** One connection of one project. `receive` takes frames in, `output` gives batches of events back. */
export class Connection {
  readonly #services: TurnServices;
  readonly #project: string;
  readonly #limits: ConnectionLimits;
  readonly #lanes = new Lanes();
  readonly #scheduler: Scheduler<Job>;
  readonly #output = new Channel<LaneEvents>();
  readonly #abort = new AbortController();
  #awaitingIdle: (() => void)[] = [];

  constructor(services: TurnServices, project: string, limits: ConnectionLimits) {
    this.#services = services;
    this.#project = project;
    this.#limits = limits;
    this.#scheduler = new Scheduler(limits.maxInFlight);
  }

  /** Batches of events, in the order in which they must be sent. Ends when the connection was closed. */
  get output(): AsyncIterable<LaneEvents> {
    return this.#output;
  }

  /** Whether nothing runs and nothing waits. */
  get idle(): boolean {
    return this.#scheduler.inFlight === 0 && this.#scheduler.waiting === 0;
  }

  /** Resolves when the connection is idle. */
  settled(): Promise<void> {
    if (this.idle) return Promise.resolve();
    return new Promise((resolve) => this.#awaitingIdle.push(resolve));
  }

  /** Batches that the socket has not taken yet: a reader that lets them pile up should not be read from either. */
  get backlog(): number {
    return this.#output.size;
  }

  /** One text frame from the client. Never throws: what is wrong with it goes back as an `error` event. */
  receive(text: string): void {
    let frame: ClientFrame;
    try {
      frame = parseFrame(text);
    } catch (thrown) {
      return this.refuse(toProtocolError(thrown));
    }
    const lane = this.#lanes.open(frame.streamId, this.#limits.maxLanes);
    if (!lane) return this.#send(frame.streamId, errors.streamLimitReached(this.#limits.maxLanes));
    switch (frame.type) {
      case 'response.create':
        return this.#receiveCreate(lane, frame.body);
      case 'response.processed':
        return;
      case 'response.steer':
      case 'response.cancel':
      case 'response.inject':
        return this.refuse(errors.unknownEventType(frame.type));
    }
  }

  /** An error of a frame that belongs to no lane that we know: told on the default lane, after what runs there. */
  refuse(error: ProtocolError): void {
    const lane = this.#lanes.open(null, this.#limits.maxLanes);
    if (lane) this.#enqueue({ kind: 'refusal', lane, error, parentId: null });
  }

  /** The socket is gone, or will be: stops every turn and forgets every lane. */
  close(): void {
    this.#abort.abort();
    this.#scheduler.clear();
    for (const node of this.#lanes.clear()) this.#release(node);
    this.#output.close(true);
  }

  #receiveCreate(lane: Lane, raw: Record<string, unknown>): void {
    if (this.#scheduler.waiting >= this.#limits.maxQueued) {
      return this.#send(lane.id, errors.queueLimitReached(this.#limits.maxQueued, queueRetryMs));
    }
    try {
      const body = parseCreateRequest(raw, 'websocket');
      const parentId = body.previous_response_id;
      // Bound now, so that a fork never races the lane that it forks from (dossier D.5).
      const parent = parentId ? this.#lanes.find(parentId) : null;
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

  #enqueue(job: Job): void {
    this.#start(this.#scheduler.enqueue(laneKey(job.lane), job));
  }

  #start(starts: readonly Start<Job>[]): void {
    for (const { lane, job } of starts) {
      void this.#run(job).finally(() => {
        this.#start(this.#scheduler.finish(lane));
        if (this.idle) for (const resolve of this.#awaitingIdle.splice(0)) resolve();
      });
    }
  }

  async #run(job: Job): Promise<void> {
    const { lane } = job;
    if (job.kind === 'refusal') {
      this.#evict(lane, job.parentId);
      return this.#send(lane.id, job.error);
    }
    const parentId = job.body.previous_response_id;
    try {
      const parent = job.parent ?? (parentId ? await this.#findParent(parentId) : null);
      const turn = await openTurn(this.#services, {
        body: job.body,
        parent,
        project: this.#project,
        via: { transport: 'websocket', streamId: lane.id },
      });
      const events = runTurn(this.#services, turn, this.#abort.signal);
      for (;;) {
        const next = await events.next();
        if (!next.done) {
          await this.#output.push({ streamId: lane.id, events: next.value });
        } else {
          if (next.value) this.#advance(lane, next.value);
          else this.#evict(lane, parentId);
          return;
        }
      }
    } catch (thrown) {
      if (this.#abort.signal.aborted) return;
      this.#evict(lane, parentId);
      const error = toProtocolError(thrown);
      if (error.cause) this.#services.log.error({ code: error.entry, cause: error.cause }, error.message);
      this.#send(lane.id, error);
    }
  }

  /** A parent that no lane held when the request came: by now this lane may, or else the store. */
  async #findParent(id: string): Promise<ChainNode> {
    return this.#lanes.find(id) ?? resolveStoredNode(this.#services, this.#project, id);
  }

  #advance(lane: Lane, node: ChainNode): void {
    const former = lane.newest;
    lane.newest = node;
    if (former && node.parent !== former) this.#release(former);
  }

  #evict(lane: Lane, parentId: string | null | undefined): void {
    const node = evictParent(lane, parentId);
    if (node) this.#release(node);
  }

  /** Lets the engine go of a node that nothing points at any more. Stored ones stay warm for whoever continues them. */
  #release(node: ChainNode): void {
    if (!node.stored && node.context) this.#services.router.release(node.context.engine, node.context.context);
  }

  #send(streamId: string | null, error: ProtocolError): void {
    void this.#output.push({ streamId, events: [toErrorEvent(error, 0)] });
  }
}

function laneKey(lane: Lane): string {
  // No stream id holds a space: the default lane's key cannot meet a named one.
  return lane.id ?? ' ';
}
