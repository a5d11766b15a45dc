/** Runs a turn: the engine's events, numbered and bracketed, then the commit, then the one terminal event. */
import { toProtocolError, type KnownEvent, type OutputItem, type Response } from '@longwire/protocol';
import { createNode, type ChainNode } from '../chain/node.ts';
import { Interruption, type EngineEvent, type EngineUsage } from '../engine/engine.ts';
import { Inbox } from './inbox.ts';
import type { UnnumberedEvent } from './open-item.ts';
import { Patience } from './patience.ts';
import { Sequencer, type Ending } from './sequencer.ts';
import type { Turn, TurnServices } from './turn.ts';

/** The events of a turn in batches, one batch per read of the engine; at the end the new node, or null where none came to be. */
export type TurnEvents = AsyncGenerator<readonly KnownEvent[], ChainNode | null, undefined>;

/** Why a turn is asked to end early. */
export type InterruptReason = 'steered' | 'cancelled';

type Signal =
  | { readonly kind: 'engine'; readonly result: IteratorResult<readonly EngineEvent[]> }
  | { readonly kind: 'thrown'; readonly error: unknown }
  | { readonly kind: 'interrupt' }
  | { readonly kind: 'tick' };

/** How long an interrupted engine may take to tell what it has counted. */
const settleMs = 200;

/** One execution of a turn. `events` is pulled once; the other calls may come at any time. */
export class TurnRun {
  readonly turn: Turn;
  readonly #services: TurnServices;
  readonly #sequencer: Sequencer;
  readonly #inbox = new Inbox<Signal>();
  readonly #abort = new AbortController();
  #gone = false;
  #interrupted: InterruptReason | null = null;

  constructor(services: TurnServices, turn: Turn) {
    this.turn = turn;
    this.#services = services;
    this.#sequencer = new Sequencer(turn.response, {
      obfuscate: turn.request.body.stream_options?.include_obfuscation !== false,
      now: services.now,
    });
  }

  /** Nobody is left to read the turn: it stops without a terminal event. */
  abort(): void {
    this.#gone = true;
    this.#abort.abort();
  }

  /**
   * Ends the turn early, with `response.incomplete`. A cancel ends it wherever it is. A steer lets it run on once the client
   * has a call to answer: the turn stops for the client anyway, and the steer waits for the call's output (dossier F.2).
   */
  interrupt(reason: InterruptReason): void {
    if (this.#interrupted !== 'cancelled') this.#interrupted = reason;
    this.#inbox.put({ kind: 'interrupt' });
  }

  /** Whether it was asked to end by a cancel. */
  get isCancelled(): boolean {
    return this.#interrupted === 'cancelled';
  }

  /** Gives an event the next number of this response, also after its terminal event (dossier O.18). */
  number(event: UnnumberedEvent): KnownEvent {
    return this.#sequencer.number(event);
  }

  /**
   * The turn's events. Stops without a terminal event only after `abort`.
   * Never throws for what an engine or the store does: that becomes `response.failed`.
   */
  async *events(): TurnEvents {
    const startedMs = this.#services.now();
    yield this.#sequencer.start();

    let ending: Ending;
    try {
      ending = this.turn.request.body.generate === false ? await this.#warmUp() : yield* this.#generate();
    } catch (thrown) {
      if (this.#gone) return null;
      ending = this.#failed(thrown);
    }
    if (this.#gone) return null;

    let node: ChainNode | null = null;
    if (ending.status !== 'failed') {
      const closing = this.#sequencer.close(ending.status);
      if (closing.length > 0) yield closing;
      try {
        node = await this.#commit(this.#sequencer.settle(ending));
      } catch (thrown) {
        // Its terminal event has not left yet: a response that could not be kept is not called completed.
        ending = this.#failed(thrown);
      }
    }
    const settled = this.#sequencer.settle(ending);
    this.#log(settled, startedMs);
    yield this.#sequencer.end(settled);
    return node;
  }

  /** `generate:false`: the context is ready for the next turn, and nothing is generated (dossier G). */
  async #warmUp(): Promise<Ending> {
    const { route, generation } = this.turn;
    const usage = (await route.engine.warm?.(generation, this.#abort.signal)) ?? noUsage;
    return { status: 'completed', usage };
  }

  async *#generate(): AsyncGenerator<readonly KnownEvent[], Ending, undefined> {
    const { route, generation } = this.turn;
    const engine = route.engine.generate(generation, this.#abort.signal)[Symbol.asyncIterator]();
    const patience = new Patience(this.#services.patience, () => this.#inbox.put({ kind: 'tick' }));
    try {
      this.#pull(engine);
      for (;;) {
        const signal = await this.#inbox.take();
        let pulling = true;
        if (signal.kind === 'thrown') throw signal.error;
        if (signal.kind === 'tick') {
          const verdict = patience.check();
          if (verdict === 'keepalive') yield this.#sequencer.keepAlive();
          else if (verdict !== 'wait') throw verdict;
        } else if (signal.kind === 'engine') {
          patience.heard();
          const batch = batchOf(signal.result);
          const out = this.#sequencer.push(batch);
          if (out.length > 0) yield out;
          const end = endOf(batch);
          if (end) return toEnding(end);
          pulling = false;
        }
        if (this.#interruptsNow) return await this.#stopEngine(engine, pulling);
        if (!pulling) this.#pull(engine);
      }
    } finally {
      patience.stop();
      this.#abort.abort();
      // A generator that waits at a `yield` does not hear an abort: only this makes it clean up.
      engine.return?.().catch(() => {});
    }
  }

  get #interruptsNow(): boolean {
    return this.#interrupted === 'cancelled' || (this.#interrupted === 'steered' && !this.#sequencer.hasCalls);
  }

  #pull(engine: AsyncIterator<readonly EngineEvent[]>): void {
    engine.next().then(
      (result) => this.#inbox.put({ kind: 'engine', result }),
      (error: unknown) => this.#inbox.put({ kind: 'thrown', error }),
    );
  }

  /** Stops the engine and waits a moment for its count of tokens; what it still says is not sent. */
  async #stopEngine(engine: AsyncIterator<readonly EngineEvent[]>, pulling: boolean): Promise<Ending> {
    const reason = this.#interrupted ?? 'cancelled';
    const deadline = setTimeout(() => this.#inbox.put({ kind: 'thrown', error: null }), settleMs);
    this.#abort.abort(new Interruption());
    if (!pulling) this.#pull(engine);
    try {
      for (;;) {
        const signal = await this.#inbox.take();
        if (signal.kind === 'thrown') return { status: 'incomplete', reason, usage: null };
        if (signal.kind !== 'engine') continue;
        const end = signal.result.done ? null : endOf(signal.result.value);
        if (end || signal.result.done) return { status: 'incomplete', reason, usage: end?.usage ?? null };
        this.#pull(engine);
      }
    } finally {
      clearTimeout(deadline);
    }
  }

  /** Links the response to its chain and, where it is stored, waits until it is on disk. */
  async #commit(response: Response): Promise<ChainNode> {
    const services = this.#services;
    const { turn } = this;
    const { body, parent, project } = turn.request;
    const { engine } = turn.route;
    const output = response.output.filter((item) => !isUnfinishedCall(item));
    const context = engine.extend(turn.generation.context, output);
    const node = createNode(
      { id: turn.id, project, parent, stored: turn.stored, model: turn.generation.model, input: body.input, output },
      { engine: engine.name, context },
    );
    if (turn.stored && services.store) {
      await services.store.put({
        id: turn.id,
        project,
        parentId: parent?.id ?? null,
        createdAt: response.created_at,
        input: body.input,
        response,
      });
      const dropped = services.recent.add(node);
      if (dropped?.context) services.router.release(dropped.context.engine, dropped.context.context);
    }
    return node;
  }

  #failed(thrown: unknown): Ending & { status: 'failed' } {
    const error = toProtocolError(thrown, this.turn.id);
    const entry = { responseId: this.turn.id, code: error.entry, cause: error.cause ?? undefined };
    this.#services.log.warn(entry, error.message);
    return { status: 'failed', error };
  }

  #log(settled: Response, startedMs: number): void {
    const { via, body } = this.turn.request;
    this.#services.log.debug(
      {
        responseId: this.turn.id,
        transport: via.transport,
        streamId: via.streamId,
        model: settled.model,
        newItems: body.input.length,
        status: settled.status,
        usage: settled.usage,
        durationMs: this.#services.now() - startedMs,
      },
      'turn',
    );
  }
}

const noUsage: EngineUsage = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };

type EngineEnd = Extract<EngineEvent, { type: 'end' }>;

function batchOf(result: IteratorResult<readonly EngineEvent[]>): readonly EngineEvent[] {
  if (result.done) throw new Error('The engine stopped without an end event.');
  return result.value;
}

function endOf(batch: readonly EngineEvent[]): EngineEnd | null {
  const last = batch.at(-1);
  return last?.type === 'end' ? last : null;
}

function toEnding({ reason, usage }: EngineEnd): Ending {
  return reason === 'stop' ? { status: 'completed', usage } : { status: 'incomplete', reason, usage };
}

/** A call that was cut off: the response tells it, but nobody can answer it, so the chain does not hold it. */
function isUnfinishedCall(item: OutputItem): boolean {
  return (item.type === 'function_call' || item.type === 'custom_tool_call') && item.status === 'incomplete';
}
