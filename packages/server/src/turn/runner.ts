/** Runs a turn: the engine's events, numbered and bracketed, then the commit, then the one terminal event. */
import {
  toProtocolError,
  type KnownEvent,
  type OutputItem,
  type ProtocolError,
  type Response,
} from '@longwire/protocol';
import { createNode, isCompaction, type ChainNode } from '../chain/node.ts';
import { tokensAfter } from '../chain/tokens.ts';
import { openItems, sealReasoning } from '../compaction/sealed-items.ts';
import type { Binding } from '../compaction/sealer.ts';
import { isUnfinished } from '../chain/unfinished.ts';
import { Interruption, type EngineEvent, type EngineUsage } from '../engine/engine.ts';
import { commitResponse } from './commit.ts';
import { Inbox } from './inbox.ts';
import type { UnnumberedEvent } from './open-item.ts';
import { Patience } from './patience.ts';
import { Sequencer, type Ending } from './sequencer.ts';
import type { Turn, TurnServices } from './turn.ts';
import { logFailure } from './withheld.ts';

/** The events of a turn in batches, one batch per read of the engine; at the end the new node, or null where none came to be. */
export type TurnEvents = AsyncGenerator<readonly KnownEvent[], ChainNode | null, undefined>;

/** A turn as whoever reads its events drives it. */
export type TurnHandle = Pick<
  TurnRun,
  'turn' | 'events' | 'abort' | 'interrupt' | 'fail' | 'number' | 'nextNumber' | 'isCancelled'
>;

/** Why a turn is asked to end early. */
export type InterruptReason = 'steered' | 'cancelled';

type Signal =
  | { readonly kind: 'engine'; readonly result: IteratorResult<readonly EngineEvent[]> }
  | { readonly kind: 'thrown'; readonly error: unknown }
  | { readonly kind: 'interrupt' }
  | { readonly kind: 'tick' };

/** How long an interrupted engine may take to tell what it has counted. */
const settleMs = 1000;

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
    const { body } = turn.request;
    this.#sequencer = new Sequencer(turn.response, {
      obfuscate: body.stream_options?.include_obfuscation !== false,
      sealReasoning: body.include?.includes('reasoning.encrypted_content')
        ? (content) => sealReasoning(services.sealer, this.#binding, content)
        : null,
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

  /** The response as its events have told it so far. */
  get response(): Response {
    return this.#sequencer.response;
  }

  /** Whether it was stopped without a terminal event. */
  get isAborted(): boolean {
    return this.#gone;
  }

  /** Ends the turn now, with `response.failed`: somebody still reads it, but there is no time left. */
  fail(error: ProtocolError): void {
    this.#inbox.put({ kind: 'thrown', error });
  }

  /** Whether it was asked to end by a cancel. */
  get isCancelled(): boolean {
    return this.#interrupted === 'cancelled';
  }

  /** Gives an event the next number of this response, also after its terminal event (dossier O.18). */
  number(event: UnnumberedEvent): KnownEvent {
    return this.#sequencer.number(event);
  }

  /** The number that the response's next event would carry. */
  get nextNumber(): number {
    return this.#sequencer.nextNumber;
  }

  /**
   * The turn's events. Stops without a terminal event only after `abort`.
   * Never throws for what an engine or the store does: that becomes `response.failed`.
   */
  async *events(): TurnEvents {
    try {
      return yield* this.#run();
    } finally {
      this.turn.conversation?.close();
    }
  }

  async *#run(): TurnEvents {
    const startedMs = this.#services.now();
    if (this.turn.response.status === 'queued') {
      yield this.#sequencer.create();
      yield this.#sequencer.begin();
    } else {
      yield [...this.#sequencer.create(), ...this.#sequencer.begin()];
    }

    let ending: Ending;
    try {
      ending = this.turn.request.body.generate === false ? await this.#warmUp() : yield* this.#generate();
    } catch (thrown) {
      if (this.#gone) return null;
      ending = this.#failed(thrown);
    }
    if (this.#gone) return null;

    // Codex runs a call at its `output_item.done`, whatever its status: what failed in the middle of an item leaves it open.
    const closing = ending.status === 'failed' ? [] : this.#sequencer.close(ending.status);
    if (closing.length > 0) yield closing;
    let node: ChainNode | null = null;
    if (ending.status !== 'failed') {
      try {
        node = await this.#commit(this.#sequencer.settle(ending));
      } catch (thrown) {
        // Its terminal event has not left yet: a response that could not be kept is not called completed.
        ending = this.#failed(thrown);
      }
    }
    const settled = this.#sequencer.settle(ending);
    if (ending.status === 'failed') await this.#commitFailure(settled);
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
    if (this.isCancelled) return { status: 'incomplete', reason: 'cancelled', usage: null };
    const { route, generation, compaction, truncation } = this.turn;
    const { signal: aborted } = this.#abort;
    const events =
      compaction?.generate(aborted) ?? truncation?.generate(aborted) ?? route.engine.generate(generation, aborted);
    const engine = events[Symbol.asyncIterator]();
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
          if (out.length > 0) {
            yield out;
            patience.told();
          }
          const end = endOf(batch);
          if (end) return toEnding(end);
          pulling = false;
        }
        if (this.#interruptsNow) return await this.#stopEngine(engine, pulling);
        if (!pulling) this.#pull(engine);
      }
    } finally {
      patience.stop();
      this.#abort.abort(over);
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
    const { input } = body;
    const output = response.output.filter((item) => !isUnfinished(item));
    const tokens = tokensAfter(parent?.tokens ?? 0, input, response);
    const node = createNode(
      { id: turn.id, project, parent, stored: turn.stored, model: turn.generation.model, input, output, tokens },
      { engine: engine.name, context: this.#contextBehind(output) },
    );
    await commitResponse(services, turn, response, node);
    if (turn.stored) {
      const dropped = services.recent.add(node);
      if (dropped?.context) services.router.release(dropped.context.engine, dropped.context.context);
    }
    return node;
  }

  /** A stored response that failed can be retrieved as such. Its client hears of the failure in any case. */
  async #commitFailure(response: Response): Promise<void> {
    try {
      await commitResponse(this.#services, this.turn, response, null);
    } catch (error) {
      this.#services.log.warn({ responseId: this.turn.id, error }, 'A failed response could not be stored.');
    }
  }

  /** The engine's context with this output; where it compacted, the one that began behind the compaction. */
  #contextBehind(output: readonly OutputItem[]): unknown {
    const { generation, route, compaction, truncation } = this.turn;
    const at = output.findLastIndex(isCompaction);
    const begun = at === -1 ? null : compaction?.result;
    const own = begun ? output.slice(at + 1) : output;
    const { items } = openItems(this.#services.sealer, this.#binding, own, 'output');
    return route.engine.extend((begun ?? truncation ?? generation).context, items);
  }

  /** What this turn seals opens for the same project and model only. */
  get #binding(): Binding {
    return { project: this.turn.request.project, model: this.turn.route.model.id };
  }

  #failed(thrown: unknown): Ending & { status: 'failed' } {
    const error = toProtocolError(thrown, this.turn.id);
    logFailure(this.#services.log, error, { responseId: this.turn.id });
    return { status: 'failed', error };
  }

  #log(settled: Response, startedMs: number): void {
    const { via, body } = this.turn.request;
    this.#services.log.debug(
      {
        responseId: this.turn.id,
        transport: via.transport,
        connectionId: via.connectionId,
        streamId: via.streamId,
        model: settled.model,
        newItems: body.input.length,
        status: settled.status,
        usage: settled.usage,
        compactionUsage: this.turn.compaction?.result?.usage,
        durationMs: this.#services.now() - startedMs,
      },
      'turn',
    );
  }
}

/** Without a reason of its own every abort would make a DOMException with a stack: 20 µs of a turn (npm run bench). */
const over = new Error('The generation is over.');

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
