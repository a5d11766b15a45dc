/** A turn that compacts its chain: the model writes the summary, the chain begins anew behind it (dossier H). */
import { errors, type Item } from '@longwire/protocol';
import type { OpenCalls } from '../chain/tool-calls.ts';
import type { Engine, EngineEvent, EngineUsage, GenerateRequest } from '../engine/engine.ts';
import { keptMessages, type ChainEnd } from './kept.ts';
import { planCompaction, type CompactionPlan } from './plan.ts';
import type { Sealer } from './sealer.ts';
import { sealCompaction } from './sealed-items.ts';
import { createSummaryRequest, maxSummaryTokens, toSummaryGeneration, toSummaryMessage } from './summary.ts';

/** A turn that may have to compact. */
export interface CompactionSource {
  readonly sealer: Sealer;
  readonly engine: Engine;
  /** The turn's own generation; its context holds the chain and the new items. */
  readonly generation: GenerateRequest<unknown>;
  readonly end: ChainEnd;
  readonly plan: CompactionPlan;
  /** Tokens of the context by the last count and an estimate of what is new: asked for where the engine cannot count. */
  readonly estimate: () => number;
  /** The window that everything has to fit into: the threshold, or what the model takes; null where nobody knows. */
  readonly windowTokens: number | null;
}

/** Messages of the user that a compaction keeps at most. Bytes of JSON. */
const maxKeptUserBytes = 32 * 1024;
const minSummaryTokens = 64;

/** The compaction of a turn; null where the request wants none, or where it has to wait. Throws what `planCompaction` throws. */
export function createCompaction(
  source: Omit<CompactionSource, 'plan' | 'windowTokens'>,
  modelTokens: number | null,
  openCalls: OpenCalls,
): Compaction | null {
  const plan = planCompaction(source.generation.requested, modelTokens);
  // A call that is still open must stay where its output finds it: a threshold can wait.
  if (plan === null || (plan.kind === 'over' && openCalls.length > 0)) return null;
  return new Compaction({ ...source, plan, windowTokens: plan.kind === 'over' ? plan.thresholdTokens : modelTokens });
}

/** One turn's compaction. `generate` stands in for the engine's own. */
export class Compaction {
  readonly #source: CompactionSource;
  #result: { readonly context: unknown; readonly usage: EngineUsage } | null = null;

  constructor(source: CompactionSource) {
    this.#source = source;
  }

  /** The context that begins with the summary, once there is one: what comes after the compaction item continues it. */
  get result(): { readonly context: unknown; readonly usage: EngineUsage } | null {
    return this.#result;
  }

  /**
   * The engine's events, with those of the compaction in front where one is due. As `Engine.generate`.
   * Throws `engine_unavailable` where the model wrote no summary; nothing is compacted then.
   */
  async *generate(signal: AbortSignal): AsyncGenerator<readonly EngineEvent[]> {
    const { engine, generation, plan } = this.#source;
    if (plan.kind === 'over' && !(await this.#isOver(plan.thresholdTokens, signal))) {
      yield* engine.generate(generation, signal);
      return;
    }
    const usage = yield* this.#compact(signal);
    if (this.#result && plan.kind === 'over') {
      yield* engine.generate({ ...generation, context: this.#result.context }, signal);
    } else {
      yield [{ type: 'end', reason: 'stop', usage }];
    }
  }

  /** An engine that has a tokenizer counts the whole context, at the price of the new items. */
  async #isOver(thresholdTokens: number, signal: AbortSignal): Promise<boolean> {
    const { engine, generation, estimate } = this.#source;
    const tokens = engine.count ? await engine.count(generation, signal) : estimate();
    return tokens > thresholdTokens;
  }

  /** Returns the tokens that the summary took. Without a result only where the turn was interrupted. */
  async *#compact(signal: AbortSignal): AsyncGenerator<readonly EngineEvent[], EngineUsage> {
    const { engine, generation, sealer, end } = this.#source;
    const { summary, usage } = yield* this.#summarise(signal);
    if (signal.aborted) return usage;
    if (summary === '') throw errors.engineUnavailable('The model wrote no summary, so nothing was compacted.');
    const kept = keptMessages(sealer, end, Math.min(maxKeptUserBytes, this.#window));
    const context = engine.extend(null, [...kept, toSummaryMessage(summary)]);
    this.#result = { context, usage };
    engine.release(generation.context);
    yield [{ type: 'compaction.end', sealed: sealCompaction(sealer, end.binding, { summary, kept }) }];
    return usage;
  }

  async *#summarise(
    signal: AbortSignal,
  ): AsyncGenerator<readonly EngineEvent[], { summary: string; usage: EngineUsage }> {
    const { engine, generation } = this.#source;
    const request: Item = createSummaryRequest();
    const context = engine.extend(generation.context, [request]);
    const summary = toSummaryGeneration(generation, context, this.#summaryTokens);
    let text = '';
    let usage = noUsage;
    let progress: EngineEvent[] = [{ type: 'compaction.start' }];
    try {
      for await (const batch of engine.generate(summary, signal)) {
        for (const event of batch) {
          if (event.type === 'text.delta') text += event.delta;
          if (event.type === 'end') usage = event.usage;
        }
        yield [...progress, { type: 'compaction.progress' }];
        progress = [];
      }
    } finally {
      engine.release(context);
    }
    return { summary: text.trim(), usage };
  }

  /** A quarter of the window for the user's words, a quarter for the summary: half of it is free again afterwards. */
  get #summaryTokens(): number {
    const asked = this.#source.generation.settings.max_output_tokens ?? maxSummaryTokens;
    return Math.min(asked, maxSummaryTokens, Math.max(minSummaryTokens, Math.floor(this.#window / 4)));
  }

  /** In tokens; as bytes, at four to a token, it is a quarter of itself. */
  get #window(): number {
    return this.#source.windowTokens ?? Infinity;
  }
}

const noUsage: EngineUsage = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };
