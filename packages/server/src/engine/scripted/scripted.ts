/** An engine that plays a workload: turn k of a chain gets the workload's turn k. For tests and measurements. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Item, OutputItem } from '@longwire/protocol';
import {
  Interruption,
  type Engine,
  type EngineEvent,
  type EngineModel,
  type EngineUsage,
  type GenerateRequest,
} from '../engine.ts';
import type { Workload, WorkloadTurn } from './workload.ts';

/** How a workload is played. */
export interface ScriptedOptions {
  readonly workload: Workload;
  /** Tokens a second, on absolute deadlines; `instant` sends a whole turn in one batch. */
  readonly rate: number | 'instant';
  /** The model's name; the workload's own where it is left out. */
  readonly model?: string;
}

/** What the engine keeps of a chain: how many times the model has spoken in it. */
interface ScriptedContext {
  readonly turns: number;
  /** Whether the last item was the model's own: its next item belongs to the same turn. */
  readonly endsWithOutput: boolean;
}

const modelItemTypes: ReadonlySet<string> = new Set(['reasoning', 'function_call', 'custom_tool_call']);

/** All that this model remembers of a chain, for the summary of a compaction: it reads it there as any model reads its own. */
const summaryPattern = /The workload was played up to turn (\d+)\./;

/** Creates the engine. After the last turn the workload begins again. */
export function createScriptedEngine(options: ScriptedOptions): Engine<ScriptedContext> {
  const { workload, rate } = options;
  const model: EngineModel = {
    id: options.model ?? workload.name,
    created: 0,
    ownedBy: 'longwire',
    description: `Replays ${workload.turns.length} recorded turns; it is no model.`,
  };
  const plays = workload.turns.map(toPlay);

  async function* generate(
    request: GenerateRequest<ScriptedContext>,
    signal: AbortSignal,
  ): AsyncGenerator<readonly EngineEvent[]> {
    const { turns } = request.context;
    const play = plays[turns % plays.length];
    if (!play) throw new Error('The workload is empty.');
    if (request.purpose === 'summary') {
      const delta = `The workload was played up to turn ${turns}.`;
      yield [
        { type: 'text.delta', delta },
        { type: 'end', reason: 'stop', usage: play.usage },
      ];
      return;
    }
    const end = { type: 'end' as const, reason: 'stop' as const, usage: play.usage };
    if (rate === 'instant') {
      yield [...play.events, end];
      return;
    }
    const startMs = performance.now();
    let sent = 0;
    try {
      for (const event of play.events) {
        const waitMs = startMs + (sent * 1000) / rate - performance.now();
        if (waitMs > 0) await sleep(waitMs, undefined, { signal });
        yield [event];
        sent++;
      }
    } catch (thrown) {
      if (!(signal.reason instanceof Interruption)) throw thrown;
      yield [{ ...end, usage: { ...play.usage, outputTokens: sent } }];
      return;
    }
    yield [end];
  }

  return {
    name: `scripted:${model.id}`,
    models: async () => [model],
    extend: (parent, items) => items.reduce(follow, parent ?? { turns: 0, endsWithOutput: false }),
    generate,
    warm: async () => ({ inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 }),
    release: () => {},
    close: async () => {},
  };
}

function follow(context: ScriptedContext, item: Item): ScriptedContext {
  const isOutput = modelItemTypes.has(item.type) || (item.type === 'message' && item.role === 'assistant');
  return {
    turns: rememberedTurns(item) ?? context.turns + (isOutput && !context.endsWithOutput ? 1 : 0),
    endsWithOutput: isOutput,
  };
}

/** The turns of which a summary tells, null for any other item. */
function rememberedTurns(item: Item): number | null {
  if (item.type !== 'message' || item.role !== 'user' || typeof item.content === 'string') return null;
  const [part] = item.content;
  const told = part?.type === 'input_text' ? summaryPattern.exec(part.text)?.[1] : undefined;
  return told === undefined ? null : Number(told);
}

interface Play {
  readonly events: readonly EngineEvent[];
  readonly usage: EngineUsage;
}

/** A turn's events, made once for all replays. */
function toPlay(turn: WorkloadTurn): Play {
  return {
    events: turn.output.flatMap((item, index) => toEvents(item, turn.chunks?.[index])),
    usage: {
      inputTokens: turn.contextTokens,
      cachedTokens: Math.max(0, turn.contextTokens - turn.newTokens),
      outputTokens: turn.outputTokens,
      reasoningTokens: 0,
    },
  };
}

function toEvents(item: OutputItem, chunks: readonly string[] | undefined): EngineEvent[] {
  const deltas = (text: string) => chunks ?? toChunks(text);
  switch (item.type) {
    case 'message':
      return [
        ...(item.phase ? [{ type: 'message.start' as const, phase: item.phase }] : []),
        ...item.content.flatMap((part): EngineEvent[] =>
          part.type === 'refusal'
            ? deltas(part.refusal).map((delta) => ({ type: 'refusal.delta', delta }))
            : [
                ...deltas(part.text).map((delta) => ({ type: 'text.delta' as const, delta })),
                ...part.annotations.map((annotation) => ({ type: 'annotation' as const, annotation })),
              ],
        ),
        { type: 'item.end' },
      ];
    case 'reasoning':
      return [
        ...item.summary.flatMap((part): EngineEvent[] => [
          { type: 'reasoning_summary.next' },
          ...deltas(part.text).map((delta) => ({ type: 'reasoning_summary.delta' as const, delta })),
        ]),
        ...(item.content ?? []).flatMap((part) =>
          deltas(part.text).map((delta): EngineEvent => ({ type: 'reasoning.delta', delta })),
        ),
        { type: 'item.end' },
      ];
    case 'function_call':
      return toCall('function', item, deltas(item.arguments));
    case 'custom_tool_call':
      return toCall('custom', item, deltas(item.input));
    default:
      return [{ type: 'item', item }];
  }
}

function toCall(
  kind: 'function' | 'custom',
  call: { name: string; namespace?: string | null | undefined; call_id: string },
  deltas: readonly string[],
): EngineEvent[] {
  const { name, namespace, call_id: callId } = call;
  return [
    { type: 'call.start', kind, name, callId, ...(namespace ? { namespace } : {}) },
    ...deltas.map((delta): EngineEvent => ({ type: 'call.delta', delta })),
    { type: 'item.end' },
  ];
}

/** Text in pieces of about a token, never through the middle of a character. */
function toChunks(text: string): string[] {
  return text.match(/.{1,4}/gsu) ?? [];
}
