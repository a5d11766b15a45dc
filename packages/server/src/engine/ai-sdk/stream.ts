/** The parts of a provider's stream -> engine events. */
import type { EndReason, EngineEvent } from '../engine.ts';
import { ItemQueue } from '../chat/item-queue.ts';
import { StreamedCall } from '../chat/tool-call.ts';
import type { ToolTable } from '../chat/tools.ts';
import { toEngineUsage } from './usage.ts';
import type { StreamPart } from './wire.ts';

const endReasons: ReadonlyMap<string | undefined, EndReason> = new Map([
  ['length', 'max_output_tokens'],
  ['content-filter', 'content_filter'],
]);

/** One stream. Tools that the provider runs by itself are not told: their results are in the answer that follows. */
export class PartDecoder {
  readonly #table: ToolTable;
  readonly #queue: ItemQueue;
  readonly #calls = new Map<string, StreamedCall>();
  #end: EngineEvent | null = null;
  #failure: { readonly error: unknown } | null = null;

  /** `parallelCalls`: whether more calls than one may be told. */
  constructor(table: ToolTable, parallelCalls: boolean) {
    this.#table = table;
    this.#queue = new ItemQueue(parallelCalls);
  }

  /** Whether `end` was given out. */
  get done(): boolean {
    return this.#end !== null;
  }

  /** What the provider reported in the stream. */
  get failure(): { readonly error: unknown } | null {
    return this.#failure;
  }

  push(part: StreamPart): EngineEvent[] {
    this.#step(part);
    const events = this.#queue.take();
    if (this.#end) events.push(this.#end);
    return events;
  }

  #step(part: StreamPart): void {
    switch (part.type) {
      case 'text-delta':
        if (part.delta) this.#queue.prose({ type: 'text.delta', delta: part.delta });
        return;
      case 'reasoning-delta':
        if (part.delta) this.#queue.prose({ type: 'reasoning.delta', delta: part.delta });
        return;
      case 'tool-input-start':
        if (!part.providerExecuted) this.#begin(part.id ?? '', part.toolName ?? '');
        return;
      case 'tool-input-delta':
        return this.#continue(part.id ?? '', part.delta ?? '');
      case 'tool-call':
        return this.#call(part);
      case 'error':
        this.#failure = { error: part.error };
        return;
      case 'finish':
        return this.#finish(part);
      default:
        return undefined;
    }
  }

  #begin(id: string, name: string): void {
    const call = new StreamedCall(this.#table, id);
    call.append(name, '');
    this.#calls.set(id, call);
    this.#queue.begin(call);
  }

  #continue(id: string, delta: string): void {
    const call = this.#calls.get(id);
    if (!call) return;
    call.append('', delta);
    this.#queue.continue(call);
  }

  /** The whole call, from providers that do not stream it. */
  #call({ toolCallId = '', toolName = '', input = '', providerExecuted }: StreamPart): void {
    if (providerExecuted || this.#calls.has(toolCallId)) return;
    this.#begin(toolCallId, toolName);
    this.#continue(toolCallId, input);
  }

  #finish({ finishReason, usage }: StreamPart): void {
    if (finishReason?.unified === 'error') {
      this.#failure ??= { error: new Error('The provider ended its answer with an error.') };
      return;
    }
    this.#queue.close();
    const reason = endReasons.get(finishReason?.unified) ?? 'stop';
    this.#end = { type: 'end', reason, usage: toEngineUsage(usage ?? {}) };
  }
}
