/** Runs a turn: the engine's events, numbered and bracketed, then the commit, then the one terminal event. */
import {
  toProtocolError,
  traceIdOf,
  type KnownEvent,
  type OutputItem,
  type ProtocolError,
  type Response,
} from '@longwire/protocol';
import { packHistory } from '../chain/packing.ts';
import { createNode, isCompaction, type ChainNode, type NodeContext } from '../chain/node.ts';
import { rememberDigest } from '../chain/known-history.ts';
import { tokensAfter } from '../chain/tokens.ts';
import { openItems, sealReasoning } from '../compaction/sealed-items.ts';
import type { Binding } from '../compaction/sealer.ts';
import { isUnfinished } from '../chain/unfinished.ts';
import type { Engine, EngineEvent, EngineUsage, GenerateRequest } from '../engine/engine.ts';
import type { TurnWatch } from '../observe/turn-meter.ts';
import { commitResponse } from './commit.ts';
import { Generation, type EngineEnd, type Step } from './generation.ts';
import { abandoned, toTurnEnd, watchTurn } from './metered.ts';
import type { UnnumberedEvent } from './open-item.ts';
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

/** One execution of a turn. `events` is pulled once; the other calls may come at any time. */
export class TurnRun {
  readonly turn: Turn;
  readonly #services: TurnServices;
  readonly #sequencer: Sequencer;
  readonly #generation = new Generation();
  /** Null before it runs, and where nobody counts. */
  #watch: TurnWatch | null = null;
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
    this.#generation.abort();
  }

  /**
   * Ends the turn early, with `response.incomplete`. A cancel ends it wherever it is. A steer lets it run on once the client
   * has a call to answer: the turn stops for the client anyway, and the steer waits for the call's output (dossier F.2).
   */
  interrupt(reason: InterruptReason): void {
    if (this.#interrupted !== 'cancelled') this.#interrupted = reason;
    this.#generation.interrupt();
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
    this.#generation.fail(error);
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
    const startedMs = this.#services.now();
    try {
      this.#watch = watchTurn(this.#services, this.turn);
      if (this.turn.response.status === 'queued') {
        yield this.#sequencer.create();
        yield this.#sequencer.begin();
      } else {
        yield [...this.#sequencer.create(), ...this.#sequencer.begin()];
      }

      let reached: Ending | null = null;
      /** Said together with what follows at once: a batch less to pass through the layers above. */
      let last: readonly KnownEvent[] = [];
      try {
        reached = this.#begin();
        // One generator for all of it: delegating to a second costs three promises a batch.
        while (!reached) {
          const step = await this.#generation.next();
          const events = this.#tell(step);
          if (step.kind === 'events' && step.end) {
            reached = toEnding(step.end);
            last = events;
            break;
          }
          if (events.length > 0) {
            yield events;
            this.#generation.told();
          }
          if (this.#interruptsNow) reached = await this.#cutShort();
        }
      } catch (thrown) {
        if (this.#gone) return null;
        reached = this.#failed(thrown);
      } finally {
        this.#generation.stop();
      }
      if (this.#gone || !reached) return null;
      let ending: Ending = reached;

      // Codex runs a call at its `output_item.done`, whatever its status: what failed in the middle of an item leaves it open.
      if (ending.status !== 'failed') last = [...last, ...this.#sequencer.close(ending.status)];
      if (last.length > 0 && (this.turn.stored || this.turn.conversation)) {
        yield last;
        last = [];
      }
      let settled = this.#sequencer.settle(ending);
      let node: ChainNode | null = null;
      if (ending.status !== 'failed') {
        try {
          node = await this.#commit(settled);
        } catch (thrown) {
          // Its terminal event has not left yet: a response that could not be kept is not called completed.
          ending = this.#failed(thrown);
          settled = this.#sequencer.settle(ending);
        }
      }
      if (ending.status === 'failed') await this.#commitFailure(settled);
      this.#log(settled, startedMs);
      this.#watch?.end(toTurnEnd(this.turn, ending, settled));
      yield [...last, ...this.#sequencer.end(settled)];
      if (node && this.#isKept) {
        const { router } = this.#services;
        packHistory(node, ({ engine, context }, since) => router.text(engine, context, since?.context ?? null));
      }
      return node;
    } finally {
      this.turn.conversation?.close();
      this.#watch?.end(abandoned);
    }
  }

  /** Sets the engine to work; how the turn ends where there is nothing to generate. */
  #begin(): Ending | null {
    const { request, route, generation, compaction, truncation } = this.turn;
    const { signal } = this.#generation;
    if (this.isCancelled) return { status: 'incomplete', reason: 'cancelled', usage: null };
    const events =
      request.body.generate === false
        ? warmUp(route.engine, generation, signal)
        : this.#hear(
            compaction?.generate(signal) ?? truncation?.generate(signal) ?? route.engine.generate(generation, signal),
          );
    this.#generation.begin(events, this.#services.patience);
    return null;
  }

  #hear(events: AsyncIterable<readonly EngineEvent[]>): AsyncIterable<readonly EngineEvent[]> {
    return this.#watch?.hear(events) ?? events;
  }

  /** What the client hears of a step. */
  #tell(step: Step): readonly KnownEvent[] {
    if (step.kind === 'events') return this.#sequencer.push(step.events);
    return step.kind === 'keepalive' ? this.#sequencer.keepAlive() : [];
  }

  async #cutShort(): Promise<Ending> {
    const reason = this.#interrupted ?? 'cancelled';
    return { status: 'incomplete', reason, usage: await this.#generation.interrupted() };
  }

  get #interruptsNow(): boolean {
    return this.#interrupted === 'cancelled' || (this.#interrupted === 'steered' && !this.#sequencer.hasCalls);
  }

  /** Whether anybody can go on from the response: else what it says is let go of in a moment. */
  get #isKept(): boolean {
    const { request, stored, conversation } = this.turn;
    return stored || conversation !== null || request.via.transport === 'websocket';
  }

  /** Links the response to its chain and, where it is stored, waits until it is on disk. */
  async #commit(response: Response): Promise<ChainNode> {
    const services = this.#services;
    const { turn } = this;
    const { body, parent, project } = turn.request;
    const { input } = body;
    const output = response.output.filter((item) => !isUnfinished(item));
    const tokens = tokensAfter(parent?.tokens ?? 0, input, response);
    const node = createNode(
      { id: turn.id, project, parent, stored: turn.stored, model: turn.generation.model, input, output, tokens },
      this.#contextBehind(output),
    );
    if (turn.history) rememberDigest(node, turn.history);
    if (turn.stored || turn.conversation) await commitResponse(services, turn, response, node);
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
  #contextBehind(output: readonly OutputItem[]): NodeContext {
    const { generation, request, route, compaction, truncation } = this.turn;
    const { engine } = route;
    const at = output.findLastIndex(isCompaction);
    const begun = at === -1 ? null : compaction?.result;
    const own = begun ? output.slice(at + 1) : output;
    const { items } = openItems(this.#services.sealer, this.#binding, own, 'output');
    const whole = truncation ?? generation;
    return {
      engine: engine.name,
      context: engine.extend((begun ?? whole).context, items),
      beforeOutput: at === -1 ? whole.context : null,
      isShortened: whole.context !== generation.context || (request.parent?.context?.isShortened ?? false),
    };
  }

  /** What this turn seals opens for the same project and model only. */
  get #binding(): Binding {
    return { project: this.turn.request.project, model: this.turn.route.model.id };
  }

  #failed(thrown: unknown): Ending & { status: 'failed' } {
    const error = toProtocolError(thrown, this.turn.id);
    logFailure(this.#services.log, error, {
      responseId: this.turn.id,
      ...(this.#traceId && { traceId: this.#traceId }),
    });
    return { status: 'failed', error };
  }

  /** For the log: joins it with the traces of others. */
  get #traceId(): string | undefined {
    const { trace } = this.turn.generation;
    return trace ? traceIdOf(trace) : undefined;
  }

  #log(settled: Response, startedMs: number): void {
    const { via, body } = this.turn.request;
    this.#services.log.debug(
      {
        responseId: this.turn.id,
        traceId: this.#traceId,
        transport: via.transport,
        connectionId: via.connectionId,
        streamId: via.streamId,
        model: settled.model,
        newItems: body.input.length,
        history: this.turn.origin,
        status: settled.status,
        usage: settled.usage,
        compactionUsage: this.turn.compaction?.result?.usage,
        durationMs: this.#services.now() - startedMs,
      },
      'turn',
    );
  }
}

/** A generation of nothing, behind which the context is ready for the next turn (dossier G). */
async function* warmUp(
  engine: Engine,
  request: GenerateRequest<unknown>,
  signal: AbortSignal,
): AsyncGenerator<readonly EngineEvent[], void> {
  const usage = (await engine.warm?.(request, signal)) ?? noUsage;
  yield [{ type: 'end', reason: 'stop', usage }];
}

const noUsage: EngineUsage = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };

function toEnding({ reason, usage }: EngineEnd): Ending {
  return reason === 'stop' ? { status: 'completed', usage } : { status: 'incomplete', reason, usage };
}
