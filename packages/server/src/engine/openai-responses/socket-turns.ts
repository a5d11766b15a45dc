/** Generations over upstream sockets: which lane, how much of the chain, and what to do when the upstream has forgotten it. */
import type { ProtocolError } from '@longwire/protocol';
import { Interruption, type EngineEvent, type EngineUsage, type GenerateRequest } from '../engine.ts';
import type { UpstreamErrors } from '../http/errors.ts';
import type { Anchor, ResponsesContext } from './context.ts';
import { SocketLost, type LaneTurn } from './lane.ts';
import type { LanePool, Lease } from './lane-pool.ts';
import { toRequestBody, type BodyOptions } from './request.ts';
import { ResponseDecoder } from './stream.ts';
import { toEngineUsage } from './usage.ts';
import type { UpstreamEvent } from './wire.ts';

/** What turns over sockets need to know of their upstream. */
export interface SocketTurnOptions {
  readonly errors: UpstreamErrors;
  readonly body: BodyOptions;
  readonly acceptsCancel: boolean;
}

/** One for the anchor, one for the socket, one for lanes that turn out not to exist. */
const maxAttempts = 4;

/** Why an attempt came to nothing, where another may do better. */
interface Setback {
  readonly error: unknown;
  /** Whether the chain must be told from its beginning. */
  readonly forgotten: boolean;
}

/** Runs turns on the lanes of a pool. */
export class SocketTurns {
  readonly #pool: LanePool;
  readonly #options: SocketTurnOptions;

  constructor(pool: LanePool, options: SocketTurnOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  /**
   * One generation. A turn that the upstream has not taken up is sent again: what it keeps no longer is told again, a lost
   * socket is replaced. Throws catalogue errors, the signal's reason, and `HandshakeRefused`.
   */
  async *run(
    request: GenerateRequest<ResponsesContext>,
    decoder: ResponseDecoder,
    signal: AbortSignal,
  ): AsyncGenerator<readonly EngineEvent[], void, undefined> {
    let { anchor } = request.context;
    for (let attempt = 1; ; attempt++) {
      const lease = await this.#pool.acquire(anchor, signal);
      const setback = yield* this.#attempt(request, lease, lease.continues ? anchor : null, decoder, signal);
      if (!setback) return;
      if (attempt === maxAttempts) throw this.#toError(setback.error);
      if (setback.forgotten) anchor = null;
    }
  }

  /** `generate:false`: the chain is anchored upstream; an upstream that does not know this answers as if nothing was asked. */
  async warm(request: GenerateRequest<ResponsesContext>, signal: AbortSignal): Promise<EngineUsage> {
    const decoder = new ResponseDecoder({ errors: this.#options.errors, model: request.model, sealedReasoning: false });
    const silent = { ...request, requested: { ...request.requested, generate: false } };
    let usage = toEngineUsage(null);
    try {
      for await (const batch of this.run(silent, decoder, signal)) {
        for (const event of batch) if (event.type === 'end') usage = event.usage;
      }
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    return usage;
  }

  /** Lets the lane go that keeps this context's response. */
  release({ anchor, history }: ResponsesContext): void {
    if (anchor?.history === history) this.#pool.release(anchor);
  }

  close(): void {
    this.#pool.close();
  }

  async *#attempt(
    request: GenerateRequest<ResponsesContext>,
    { lane, turn }: Lease,
    anchor: Anchor | null,
    decoder: ResponseDecoder,
    signal: AbortSignal,
  ): AsyncGenerator<readonly EngineEvent[], Setback | null, undefined> {
    const onAbort = (): void => this.#interrupt(turn, lane.socket, signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    let isOver = false;
    try {
      const frame = {
        type: 'response.create',
        ...(lane.name !== null && { stream_id: lane.name }),
        ...(request.requested.generate === false && { generate: false }),
      };
      lane.socket.send(toRequestBody(request, anchor, frame, this.#options.body));
      for (;;) {
        const events = await turn.next();
        const [first] = events;
        if (first && first.type !== 'error' && lane.name !== null) this.#pool.learnLanes('stream_id' in first);
        const refusal = turn.heard ? undefined : events.find((event) => event.type === 'error');
        if (refusal) {
          isOver = true;
          this.#pool.free(lane, null);
          const setback = this.#toSetback(refusal, request.model, lane);
          if (setback) return setback;
        }
        const batch = decoder.push(events);
        if (decoder.failure) {
          if (!isOver) this.#pool.free(lane, null);
          isOver = true;
          throw decoder.failure;
        }
        if (decoder.done) {
          isOver = true;
          const { responseId, items } = decoder;
          this.#pool.free(lane, responseId);
          // Before the last event goes out: the chain goes on from there at once.
          request.context.answer = { items, kept: responseId === null ? null : { lane, responseId } };
        }
        if (batch.length > 0) yield batch;
        if (isOver) return null;
      }
    } catch (error) {
      if (!(error instanceof SocketLost) || turn.heard) throw this.#toError(error);
      return { error, forgotten: true };
    } finally {
      signal.removeEventListener('abort', onAbort);
      if (!isOver) this.#pool.abandon(lane);
    }
  }

  /** A turn that only ends early may still tell its usage, where the upstream can be asked to end it. */
  #interrupt(turn: LaneTurn, socket: Lease['lane']['socket'], reason: unknown): void {
    if (reason instanceof Interruption && this.#options.acceptsCancel && turn.responseId !== null) {
      socket.cancel(turn.responseId);
    } else {
      turn.fail(reason);
    }
  }

  /** What a refusal calls for; null where it is the client's to know. */
  #toSetback(refusal: UpstreamEvent, model: string, lane: Lease['lane']): Setback | null {
    const { code, param } = detailsOf(refusal);
    const error = this.#options.errors.fromResponses(refusal, model);
    switch (code) {
      case 'previous_response_not_found':
        return { error, forgotten: true };
      case 'websocket_connection_limit_reached':
      case 'server_is_draining':
        lane.socket.retire();
        return { error, forgotten: true };
      case 'websocket_stream_limit_reached':
        lane.socket.maxLanes = lane.socket.lanes.length - 1;
        lane.socket.retire();
        return { error, forgotten: true };
      default:
        if (param !== 'stream_id') return null;
        this.#pool.withoutLanes();
        return { error, forgotten: true };
    }
  }

  #toError(error: unknown): unknown {
    return error instanceof SocketLost ? this.#options.errors.brokenStream('broke off its answer', error) : error;
  }
}

function detailsOf(event: UpstreamEvent): { readonly code?: unknown; readonly param?: unknown } {
  const outer = event as unknown as Record<string, unknown>;
  const inner = outer['error'];
  return typeof inner === 'object' && inner !== null ? inner : outer;
}

/** The upstream says that the request is wrong, not that it cannot serve it. */
function isRefusal(error: unknown): boolean {
  return (error as Partial<ProtocolError> | null)?.entry === 'invalid_request';
}
