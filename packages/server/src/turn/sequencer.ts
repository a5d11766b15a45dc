/**
 * Engine events -> server events: ids, indexes, numbers and brackets (dossier C.1, C.2).
 *
 * A state machine without I/O. The output of the terminal event is made of the items of the `output_item.done` events;
 * that it equals the fold of all events is held by the contract tests (test/contract).
 */
import {
  createCallId,
  createItemId,
  createUsage,
  toResponseError,
  type IncompleteReason,
  type KnownEvent,
  type OutputItem,
  type ProtocolError,
  type Response,
} from '@longwire/protocol';
import { isClientCall } from '../chain/tool-calls.ts';
import type { EngineEvent, EngineUsage } from '../engine/engine.ts';
import { OpenCompaction } from './open-compaction.ts';
import {
  OpenCall,
  OpenMessage,
  OpenReasoning,
  withSeal,
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
  /** `include: ["reasoning.encrypted_content"]`: makes it; null where it was not asked for. */
  readonly sealReasoning: ItemSink['sealReasoning'];
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** One response's events, in order. Each call returns the events that it caused. */
export class Sequencer {
  readonly #output: OutputItem[] = [];
  #base: Response;
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
    this.#sink = {
      emit: (event) => this.#emit(event),
      takeNumber: () => this.#next++,
      emitNumbered: (event) => this.#batch.push(event),
      obfuscate: options.obfuscate,
      sealReasoning: options.sealReasoning,
    };
  }

  /** The response as its events have told it so far. */
  get response(): Response {
    const response = { ...this.#base };
    response.output = [...this.#output];
    return response;
  }

  /** `response.created`, and `response.queued` for a response that has to wait. */
  create(): KnownEvent[] {
    this.#emit({ type: 'response.created', response: this.#base });
    if (this.#base.status === 'queued') this.#emit({ type: 'response.queued', response: this.#base });
    return this.#flush();
  }

  /** `response.in_progress`: the engine has it now. */
  begin(): KnownEvent[] {
    if (this.#base.status !== 'in_progress') this.#base = { ...this.#base, status: 'in_progress' };
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

  /** The number that the next event will carry. */
  get nextNumber(): number {
    return this.#next;
  }

  /** Gives an event that is not the response's own (a steering acknowledgement) its next number. */
  number(event: UnnumberedEvent): KnownEvent {
    // Every event is made for this call: adding the number to it is cheaper than a copy of each.
    const numbered = event as KnownEvent;
    numbered.sequence_number = this.#next++;
    return numbered;
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
    // A copy whose fields are set: fields that follow a spread cost 1,500 instructions each (docs/decisions/0020).
    const { response: settled } = this;
    settled.status = ending.status;
    settled.service_tier = settledTier(this.#base.service_tier);
    switch (ending.status) {
      case 'completed':
        settled.completed_at = Math.floor(this.#now() / 1000);
        settled.usage = createUsage(ending.usage);
        break;
      case 'incomplete':
        settled.usage = ending.usage && createUsage(ending.usage);
        // Only a response that nobody waits for is `cancelled`; in a stream the client reads why it ends early (dossier L.4).
        if (ending.reason === 'cancelled' && settled.background) settled.status = 'cancelled';
        else settled.incomplete_details = { reason: ending.reason as IncompleteReason };
        break;
      case 'failed':
        settled.error = toResponseError(ending.error);
    }
    return settled;
  }

  /** The one terminal event of a response that `settle` made. Nothing follows it. */
  end(settled: Response): KnownEvent[] {
    const status = settled.status === 'cancelled' ? 'incomplete' : settled.status;
    if (status !== 'completed' && status !== 'incomplete' && status !== 'failed') {
      throw new Error(`A response does not end as '${status}'.`);
    }
    this.#emit({ type: `response.${status}`, response: settled });
    return this.#flush();
  }

  #step(event: EngineEvent): void {
    switch (event.type) {
      case 'message.start':
        this.#closeItem('completed');
        this.#open = new OpenMessage(this.#sink, this.#place('message'), event.phase);
        return;
      case 'annotation':
        return this.#message().annotate(event.annotation);
      case 'text.delta':
        return this.#message().text(event.delta, event.logprobs ?? []);
      case 'refusal.delta':
        return this.#message().refusal(event.delta);
      case 'reasoning.delta':
        return this.#reasoning().text(event.delta);
      case 'reasoning_summary.delta':
        return this.#reasoning().summary(event.delta);
      case 'reasoning_summary.next':
        return this.#reasoning().nextSummary();
      case 'call.start':
        return this.#startCall(event);
      case 'call.delta':
        if (!(this.#open instanceof OpenCall)) throw new Error('The engine sent call.delta outside a call.');
        return this.#open.text(event.delta);
      case 'item':
        return this.#wholeItem(event.item);
      case 'item.end':
        return this.#closeItem('completed');
      case 'compaction.start':
        this.#closeItem('completed');
        this.#open = new OpenCompaction(this.#sink, this.#place('compaction'));
        return;
      case 'compaction.progress':
        return this.#compaction().progress();
      case 'compaction.end':
        this.#compaction().seal(event.sealed);
        return this.#closeItem('completed');
      case 'end':
    }
  }

  #message(): OpenMessage {
    if (this.#open instanceof OpenMessage) return this.#open;
    this.#closeItem('completed');
    const message = new OpenMessage(this.#sink, this.#place('message'), null);
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

  #compaction(): OpenCompaction {
    if (this.#open instanceof OpenCompaction) return this.#open;
    throw new Error('A compaction goes on that was not opened.');
  }

  #startCall({ kind, name, namespace, callId = createCallId() }: EngineEvent & { type: 'call.start' }): void {
    this.#closeItem('completed');
    this.#hasCalls = true;
    const place = this.#place(kind === 'function' ? 'function_call' : 'custom_tool_call');
    this.#open = new OpenCall(this.#sink, place, kind, { name, namespace, callId });
  }

  #wholeItem(item: OutputItem): void {
    this.#closeItem('completed');
    if (isClientCall(item)) this.#hasCalls = true;
    const { item_id: newId, output_index } = this.#place(item.type);
    const named = item.id ? item : { ...item, id: newId };
    const whole = named.type === 'reasoning' ? withSeal(this.#sink, named) : named;
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
    if (event.type === 'response.output_item.done') this.#output.push(event.item);
    this.#batch.push(this.number(event));
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
  shell_call: 'sh',
  local_shell_call: 'lsh',
  apply_patch_call: 'apc',
  tool_search_call: 'tsc',
};

/** The tier that served the request, as the real service resolves it (dossier B.1). */
function settledTier(asked: Response['service_tier']): Response['service_tier'] {
  if (asked === 'auto') return 'default';
  return asked === 'fast' ? 'priority' : asked;
}
