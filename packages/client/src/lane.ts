/** One ordered stream of turns on a connection, each continuing the one before (dossier D, E). */
import type { CreateBody, ResponseCreateEvent, ServerEvent } from '@longwire/protocol';
import type { ConnectionLoss } from './errors.ts';
import { OpenTurn, responseOf } from './turn-stream.ts';
import type { TurnStream } from './turn-stream.ts';

/** A request as the application writes it; the lane adds what makes it a continuation. */
export interface LaneRequest extends Omit<CreateBody, 'stream' | 'background'> {
  /** Only the new items: the server has the others. */
  readonly input?: CreateBody['input'];
  /** Left out: the lane's newest response. Null: a new chain. An id of another lane: a fork of it. */
  readonly previous_response_id?: string | null;
  /** False unless given: the chain then lives on this connection alone. */
  readonly store?: boolean | null;
}

/** How to run one turn. */
export interface TurnOptions {
  /**
   * Stops reading the turn. The protocol has no cancel: the server finishes it unless the connection closes, and the lane goes
   * on from it then.
   */
  readonly signal?: AbortSignal;
}

/** One ordered stream of turns. Turns of different lanes run side by side. */
export interface Lane {
  /** Its `stream_id`; null for the default lane. */
  readonly name: string | null;
  /** Id of the response that the next turn continues; null at the start, and when a failed turn has ended the chain. */
  readonly newest: string | null;
  /**
   * Starts a turn, or lets it wait for the one that runs. Turns that wait to continue a turn that fails, fail with it: what
   * they were to continue does not exist.
   */
  create(request: LaneRequest, options?: TurnOptions): TurnStream;
}

/** What a lane needs of its connection. */
export interface LaneSocket {
  /** How the socket ended; null while it has not. */
  lost(): ConnectionLoss | null;
  /** False when the socket takes nothing any more: its end is about to be told. */
  send(event: ResponseCreateEvent): boolean;
}

interface Job {
  readonly request: LaneRequest;
  readonly turn: OpenTurn;
}

/** The lane of a connection, which hands it its events. */
export class ConnectedLane implements Lane {
  readonly name: string | null;
  readonly #socket: LaneSocket;
  readonly #waiting: Job[] = [];
  #running: (Job & { readonly parent: string | null }) | null = null;
  #newest: string | null = null;
  #endedId: string | null = null;

  constructor(name: string | null, socket: LaneSocket) {
    this.name = name;
    this.#socket = socket;
  }

  get newest(): string | null {
    return this.#newest;
  }

  /** Whether a turn waits for events. */
  get busy(): boolean {
    return this.#running !== null;
  }

  create(request: LaneRequest, options: TurnOptions = {}): TurnStream {
    const turn = new OpenTurn(options.signal ?? null);
    const loss = this.#socket.lost();
    if (loss) turn.lose(loss);
    else this.#waiting.push({ request, turn });
    this.#startNext();
    return turn;
  }

  /** An event with this lane's `stream_id`. What belongs to no running turn is dropped: it would be read as the next one's. */
  receive(event: ServerEvent): void {
    if (!this.#running) return;
    const { turn, parent } = this.#running;
    if (event.type !== 'error') {
      const id = responseOf(event)?.id ?? null;
      // A turn begins with an event that names its response; until then, leftovers of the turn before may come.
      const isOurs =
        turn.responseId === null ? id !== null && id !== this.#endedId : id === null || id === turn.responseId;
      if (!isOurs) return;
    }
    const end = turn.push(event);
    if (!end) return;
    this.#running = null;
    this.#endedId = turn.responseId ?? this.#endedId;
    if ('error' in end) this.#breakChain(parent, end.error);
    else this.#newest = end.response.id;
    this.#startNext();
  }

  /** The socket has ended: so has every turn. */
  lose(loss: ConnectionLoss): void {
    const jobs = this.#running ? [this.#running, ...this.#waiting] : this.#waiting.slice();
    this.#running = null;
    this.#waiting.length = 0;
    this.#newest = null;
    for (const { turn } of jobs) turn.lose(loss);
  }

  #startNext(): void {
    while (!this.#running) {
      const job = this.#waiting.shift();
      if (!job) return;
      if (job.turn.settled) continue;
      const parent = job.request.previous_response_id === undefined ? this.#newest : job.request.previous_response_id;
      this.#running = { ...job, parent };
      if (this.#socket.send(this.#toEvent(job.request, parent))) job.turn.markSent();
    }
  }

  #toEvent(request: LaneRequest, parent: string | null): ResponseCreateEvent {
    const { previous_response_id: _, ...body } = request;
    return {
      type: 'response.create',
      ...(this.name !== null && { stream_id: this.name }),
      store: false,
      ...body,
      ...(parent !== null && { previous_response_id: parent }),
    };
  }

  /** The server has forgotten the parent of a turn that failed, if it was this lane's newest response (dossier D.4). */
  #breakChain(parent: string | null, error: Error): void {
    if (parent === this.#newest) this.#newest = null;
    for (const { request, turn } of this.#waiting) {
      if (request.previous_response_id !== undefined) break;
      turn.fail(error);
    }
  }
}
