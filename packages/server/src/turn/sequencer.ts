/**
 * Engine events -> server events: ids, indexes, numbers and brackets (dossier C.1, C.2).
 *
 * A state machine without I/O: what it has sent is folded into the response, so the terminal event is by construction
 * the sum of the events before it.
 */
import {
  createCallId,
  createItemId,
  createUsage,
  ResponseFold,
  toResponseError,
  type IncompleteReason,
  type KnownEvent,
  type OutputItem,
  type ProtocolError,
  type Response,
} from '@longwire/protocol';
import type { EngineEvent, EngineUsage } from '../engine/engine.ts';
import {
  OpenCall,
  OpenMessage,
  OpenReasoning,
  type ItemPlace,
  type ItemSink,
  type OpenItem,
  type UnnumberedEvent,
} from './open-item.ts';

/** How a response ended. */
export type Ending =
  | { readonly status: 'completed'; readonly usage: EngineUsage }
  | {
      readonly status: 'incomplete';
      readonly reason: IncompleteReason | 'cancelled';
      readonly usage: EngineUsage | null;
    }
  | { readonly status: 'failed'; readonly error: ProtocolError };

/** What differs between requests. */
export interface SequencerOptions {
  /** `stream_options.include_obfuscation`. */
  readonly obfuscate: boolean;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** One response's events, in order. Each call returns the events that it caused. */
export class Sequencer {
  readonly #fold = new ResponseFold();
  readonly #base: Response;
  readonly #now: () => number;
  readonly #sink: ItemSink;
  #next = 0;
  #items = 0;
  #hasCalls = false;
  #open: OpenItem | null = null;
  #batch: KnownEvent[] = [];

  /** `response` is the whole object as `response.created` carries it: in progress, without output. */
  constructor(response: Response, options: SequencerOptions) {
    this.#base = response;
    this.#now = options.now;
    this.#sink = { emit: (event) => this.#emit(event), obfuscate: options.obfuscate };
  }

  /** The response as its events have told it so far. */
  get response(): Response {
    return this.#fold.response ?? this.#base;
  }

  /** `response.created`, then `response.in_progress`. */
  start(): KnownEvent[] {
    this.#emit({ type: 'response.created', response: this.#base });
    this.#emit({ type: 'response.in_progress', response: this.#base });
    return this.#flush();
  }

  /** `response.in_progress` once more: a text event that every client takes for a sign of life (clients.md 3.4). */
  keepAlive(): KnownEvent[] {
    this.#emit({ type: 'response.in_progress', response: this.#base });
    return this.#flush();
  }

  /** Whether the client has a call to answer once the response is over. */
  get hasCalls(): boolean {
    return this.#hasCalls;
  }

  /** Gives an event that is not the response's own (a steering acknowledgement) its next number. */
  number(event: UnnumberedEvent): KnownEvent {
    return { ...event, sequence_number: this.#next++ } as KnownEvent;
  }

  /** The events of one read of the engine. `end` is the runner's affair and is passed over. */
  push(events: readonly EngineEvent[]): KnownEvent[] {
    for (const event of events) this.#step(event);
    return this.#flush();
  }

  /** Closes the open item, if there is one: `incomplete` where it was cut off. */
  close(status: 'completed' | 'incomplete'): KnownEvent[] {
    this.#closeItem(status);
    return this.#flush();
  }

  /** The response as its terminal event will carry it. Call after `close`. */
  settle(ending: Ending): Response {
    const { status } = ending;
    const settled = { ...this.response, status, service_tier: settledTier(this.#base.service_tier) };
    switch (status) {
      case 'completed':
        return { ...settled, completed_at: Math.floor(this.#now() / 1000), usage: createUsage(ending.usage) };
      case 'incomplete':
        return {
          ...settled,
          incomplete_details: { reason: ending.reason as IncompleteReason },
          usage: ending.usage && createUsage(ending.usage),
        };
      case 'failed':
        return { ...settled, error: toResponseError(ending.error) };
    }
  }

  /** The one terminal event of a response that `settle` made. Nothing follows it. */
  end(settled: Response): KnownEvent[] {
    const { status } = settled;
    if (status !== 'completed' && status !== 'incomplete' && status !== 'failed') {
      throw new Error(`A response does not end as '${status}'.`);
    }
    this.#emit({ type: `response.${status}`, response: settled });
    return this.#flush();
  }

  #step(event: EngineEvent): void {
    switch (event.type) {
      case 'text.delta':
        return this.#message().text(event.delta, event.logprobs ?? []);
      case 'refusal.delta':
        return this.#message().refusal(event.delta);
      case 'reasoning.delta':
        return this.#reasoning().text(event.delta);
      case 'reasoning_summary.delta':
        return this.#reasoning().summary(event.delta);
      case 'call.start':
        return this.#startCall(event);
      case 'call.delta':
        if (!(this.#open instanceof OpenCall)) throw new Error('The engine sent call.delta outside a call.');
        return this.#open.text(event.delta);
      case 'item':
        return this.#wholeItem(event.item);
      case 'item.end':
        return this.#closeItem('completed');
      case 'end':
    }
  }

  #message(): OpenMessage {
    if (this.#open instanceof OpenMessage) return this.#open;
    this.#closeItem('completed');
    const message = new OpenMessage(this.#sink, this.#place('message'));
    this.#open = message;
    return message;
  }

  #reasoning(): OpenReasoning {
    if (this.#open instanceof OpenReasoning) return this.#open;
    this.#closeItem('completed');
    const reasoning = new OpenReasoning(this.#sink, this.#place('reasoning'));
    this.#open = reasoning;
    return reasoning;
  }

  #startCall({ kind, name, namespace, callId = createCallId() }: EngineEvent & { type: 'call.start' }): void {
    this.#closeItem('completed');
    this.#hasCalls = true;
    const place = this.#place(kind === 'function' ? 'function_call' : 'custom_tool_call');
    this.#open = new OpenCall(this.#sink, place, kind, {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      call_id: callId,
    });
  }

  #wholeItem(item: OutputItem): void {
    this.#closeItem('completed');
    const { item_id: newId, output_index } = this.#place(item.type);
    const whole = item.id ? item : { ...item, id: newId };
    this.#emit({ type: 'response.output_item.added', output_index, item: whole });
    this.#emit({ type: 'response.output_item.done', output_index, item: whole });
  }

  #closeItem(status: 'completed' | 'incomplete'): void {
    const open = this.#open;
    this.#open = null;
    open?.close(status);
  }

  #place(itemType: string): ItemPlace {
    const prefix = itemPrefixes[itemType] ?? 'item';
    return { item_id: createItemId(prefix, this.#base.id, this.#now()), output_index: this.#items++ };
  }

  #emit(event: UnnumberedEvent): void {
    const numbered = this.number(event);
    this.#fold.apply(numbered);
    this.#batch.push(numbered);
  }

  #flush(): KnownEvent[] {
    const batch = this.#batch;
    this.#batch = [];
    return batch;
  }
}

const itemPrefixes: Readonly<Record<string, string>> = {
  message: 'msg',
  reasoning: 'rs',
  function_call: 'fc',
  custom_tool_call: 'ctc',
  compaction: 'cmp',
};

/** The tier that served the request, as the real service resolves it (dossier B.1). */
function settledTier(asked: Response['service_tier']): Response['service_tier'] {
  if (asked === 'auto') return 'default';
  return asked === 'fast' ? 'priority' : asked;
}
