/** The conversations of one client on one connection: finds each turn a lane, and what it goes on from. */
import type { ServerEvent } from '@longwire/protocol';
import { connect } from '../connection.ts';
import type { Connection } from '../connection.ts';
import { ConnectError, ConnectionLostError, toResponsesError } from '../errors.ts';
import type { Lane } from '../lane.ts';
import type { ConnectOptions } from '../options.ts';
import type { LaneRequest } from '../outgoing-request.ts';
import type { TurnStream } from '../turn-stream.ts';
import type { BegunTurn } from './answer.ts';
import { HistoryTree } from './history-tree.ts';
import type { Match } from './history-tree.ts';
import type { ResponsesCall } from './responses-call.ts';

/** How a session is held. */
export interface SessionOptions {
  readonly connection: ConnectOptions;
  /** Turns side by side, and conversations that the server keeps for us without storing them. */
  readonly maxLanes: number;
  /** After so long without a turn the session ends. */
  readonly idleMs: number;
  /** It has ended, or never began: the next call opens another one. */
  readonly onEnd: (session: Session) => void;
}

/** Characters of items that histories are compared with. */
const maxHistoryChars = 32 * 1024 * 1024;

/** A connection that opens with the first call and closes when it has not been used for a while. */
export class Session {
  readonly #options: SessionOptions;
  readonly #connection: Promise<Connection>;
  readonly #histories = new HistoryTree(maxHistoryChars);
  /** The one used longest ago first. */
  readonly #freeLanes: Lane[] = [];
  #waiting: (() => void)[] = [];
  #laneCount = 0;
  #callCount = 0;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #hasOpened = false;
  #isClosed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#connection = connect(options.connection);
    this.#connection.then(
      () => (this.#hasOpened = true),
      () => this.close(),
    );
  }

  /** Whether there ever was a socket. */
  get hasOpened(): boolean {
    return this.#hasOpened;
  }

  /** Runs a turn up to its first event. Null where it could not be sent. Rejects with what `TurnStream` throws. */
  async begin(call: ResponsesCall): Promise<BegunTurn | null> {
    const match = call.history && this.#histories.match(call.history, call.body.store !== false);
    try {
      const turn = await this.#begin(call, match);
      if (!match?.responseId || !isForgotten(turn.first)) return turn;
      // Neither the server nor the lane has all of it any more, but the caller does.
      this.#histories.forget(match.responseId);
    } catch (error) {
      if (isUnsent(error)) return null;
      throw error;
    }
    return this.begin(call);
  }

  /** Ends it, and every turn that runs. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#idle);
    this.#options.onEnd(this);
    this.#connection.then(
      (connection) => connection.close(),
      () => {},
    );
  }

  async #begin(call: ResponsesCall, match: Match | null): Promise<BegunTurn> {
    this.#callCount += 1;
    clearTimeout(this.#idle);
    const request = toRequest(call, match);
    let lane: Lane;
    try {
      lane = await this.#takeLane(await this.#connection, request.previous_response_id ?? null);
    } catch (error) {
      this.#endCall();
      throw error;
    }
    const abandon = new AbortController();
    const signals = call.signal ? [abandon.signal, call.signal] : [abandon.signal];
    const before = lane.newest;
    const turn = lane.create(request, { signal: AbortSignal.any(signals) });
    void this.#follow(turn, match, lane, before);
    const events = turn[Symbol.asyncIterator]();
    const { value: first, done } = await events.next();
    if (done === true) throw new Error('The turn ended without an event.');
    const { response, responseId } = turn;
    return { first, rest: events, response, responseId, signal: call.signal, abandon: () => abandon.abort() };
  }

  /** Notes what the server remembers when the turn has ended. */
  async #follow(turn: TurnStream, match: Match | null, lane: Lane, before: string | null): Promise<void> {
    try {
      const { id, status, store, output } = await turn.response;
      if (match && status === 'completed') this.#histories.add(match, id, store, output);
    } catch {
      // It is told to who awaits the answer. The server has forgotten what the turn went on from.
      if (match?.responseId) this.#histories.leave(match.responseId);
    }
    if (before !== null && lane.newest !== before) this.#histories.leave(before);
    this.#freeLanes.push(await this.#emptied(lane, match));
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
    this.#endCall();
  }

  /** The lane, without a conversation that nobody will go on from: who sends whole histories goes on from those that are known. */
  async #emptied(lane: Lane, match: Match | null): Promise<Lane> {
    if (match === null || lane.newest === null || this.#histories.has(lane.newest)) return lane;
    lane.close();
    return (await this.#connection).lane(lane.name ?? undefined);
  }

  /** The lane that holds this response, else a new one, else the one used longest ago; waits while all are busy. */
  async #takeLane(connection: Connection, responseId: string | null): Promise<Lane> {
    for (;;) {
      const holder = this.#freeLanes.findIndex(({ newest }) => responseId !== null && newest === responseId);
      const [held] = holder < 0 ? [] : this.#freeLanes.splice(holder, 1);
      if (held) return held;
      if (this.#laneCount < this.#options.maxLanes) {
        this.#laneCount += 1;
        return connection.lane(`fetch-${this.#laneCount}`);
      }
      const oldest = this.#freeLanes.shift();
      if (oldest) return oldest;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #endCall(): void {
    this.#callCount -= 1;
    const { idleMs } = this.#options;
    if (this.#callCount > 0 || this.#isClosed || idleMs === Infinity) return;
    this.#idle = setTimeout(() => this.close(), idleMs);
  }
}

/** A lane goes on from its newest response unless told otherwise. */
function toRequest({ body, history }: ResponsesCall, match: Match | null): LaneRequest {
  if (history === null || match === null) return { ...body, previous_response_id: body.previous_response_id ?? null };
  if (match.responseId === null) return { ...body, previous_response_id: null };
  return { ...body, previous_response_id: match.responseId, input: history.slice(match.known) };
}

/** Whether the server cannot have heard of the request. */
function isUnsent(error: unknown): boolean {
  return error instanceof ConnectError || (error instanceof ConnectionLostError && !error.sent);
}

/** Whether the server does not know what the request names. */
function isForgotten(event: ServerEvent): boolean {
  return toResponsesError(event)?.code === 'previous_response_not_found';
}
