/** Events of an upstream's response -> engine events (dossier C.2). */
import type { OutputItem, ProtocolError } from '@longwire/protocol';
import type { EngineEvent, TokenLogprob } from '../engine.ts';
import type { UpstreamErrors } from '../http/errors.ts';
import { toEngineUsage } from './usage.ts';
import type { UpstreamEvent, UpstreamItem, UpstreamLogprob, UpstreamResponse } from './wire.ts';

/** What differs between requests. */
export interface DecoderOptions {
  readonly errors: UpstreamErrors;
  /** The model that was asked for: errors name it. */
  readonly model: string;
  /** Whether the client asked for `reasoning.encrypted_content`. */
  readonly sealedReasoning: boolean;
}

/** An item while the upstream writes it. */
interface OpenItem {
  readonly key: string;
  readonly type: string;
  /** What opens it, in front of its first text. */
  readonly start: EngineEvent | null;
  /** Whether anything of it was given out: what was not is given out when it is done. */
  told: boolean;
}

/**
 * One response. The item that was opened first is told as it comes; what an upstream writes beside it is told when it is done.
 * After `failure` is set, or `done`, nothing more is read.
 */
export class ResponseDecoder {
  readonly #options: DecoderOptions;
  readonly #items: UpstreamItem[] = [];
  /** Items that were done while another was open. */
  #waiting: UpstreamItem[] = [];
  #open: OpenItem | null = null;
  #out: EngineEvent[] = [];
  #responseId: string | null = null;
  #failure: ProtocolError | null = null;
  #done = false;

  constructor(options: DecoderOptions) {
    this.#options = options;
  }

  /** Why there will be no whole answer; what came before it was given out already. */
  get failure(): ProtocolError | null {
    return this.#failure;
  }

  /** Whether `end` was given out. */
  get done(): boolean {
    return this.#done;
  }

  /** The upstream's name for the response, once it has told it. */
  get responseId(): string | null {
    return this.#responseId;
  }

  /** The finished items, as the upstream told them. */
  get items(): readonly UpstreamItem[] {
    return this.#items;
  }

  /** The engine events of one read. */
  push(events: readonly UpstreamEvent[]): EngineEvent[] {
    for (const event of events) {
      if (this.#done || this.#failure) break;
      this.#step(event);
    }
    const out = this.#out;
    this.#out = [];
    return out;
  }

  /** The events of a response that came whole, from a server that does not stream. */
  pushWhole(json: string): EngineEvent[] {
    let response: UpstreamResponse;
    try {
      response = JSON.parse(json) as UpstreamResponse;
    } catch (cause) {
      this.#failure = this.#options.errors.brokenStream('sent something that is not JSON', cause);
      return [];
    }
    return this.push([{ type: `response.${response.status ?? 'completed'}`, response }]);
  }

  #step(event: UpstreamEvent): void {
    this.#responseId ??= event.response?.id ?? null;
    switch (event.type) {
      case 'response.output_item.added':
        return this.#add(event);
      case 'response.output_item.done':
        return event.item && this.#finish(event.item, keyOf(event));
      case 'response.output_text.delta':
        return this.#prose(event, toText(event));
      case 'response.output_text.annotation.added':
        return this.#annotate(event);
      case 'response.reasoning_summary_part.added':
        return this.#nextSummary(event);
      case 'response.refusal.delta':
        return this.#prose(event, { type: 'refusal.delta', delta: deltaOf(event) });
      case 'response.reasoning_text.delta':
        return this.#prose(event, { type: 'reasoning.delta', delta: deltaOf(event) });
      case 'response.reasoning_summary_text.delta':
        return this.#prose(event, { type: 'reasoning_summary.delta', delta: deltaOf(event) });
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return this.#prose(event, { type: 'call.delta', delta: deltaOf(event) });
      case 'response.completed':
      case 'response.incomplete':
        return this.#end(event.response ?? {});
      case 'response.failed':
      case 'response.cancelled':
        return this.#fail(event.response?.error ?? { message: 'The response was cancelled.' });
      case 'error':
        return this.#fail(event);
      default:
        // Progress of hosted tools, brackets of parts, a vendor's own: the items tell it all.
        return undefined;
    }
  }

  #add(event: UpstreamEvent): void {
    const { item } = event;
    if (!item || this.#open) return;
    this.#open = { key: keyOf(event), type: item.type, start: toMessageStart(item), told: false };
    if (!isStreamedCall(item)) return;
    this.#open.told = true;
    this.#out.push(toCallStart(item));
  }

  #annotate(event: UpstreamEvent): void {
    if (this.#isTold(event) && event.annotation) this.#out.push({ type: 'annotation', annotation: event.annotation });
  }

  #nextSummary(event: UpstreamEvent): void {
    if (this.#isTold(event)) this.#out.push({ type: 'reasoning_summary.next' });
  }

  /** Whether an event is about text that was told already; any other item is told whole. */
  #isTold(event: UpstreamEvent): boolean {
    return this.#open?.told === true && keyOf(event) === this.#open.key;
  }

  /** A delta of the open item; any other item's is in its `done`. */
  #prose(event: UpstreamEvent, told: EngineEvent & { delta: string }): void {
    const isReasoning = told.type === 'reasoning.delta' || told.type === 'reasoning_summary.delta';
    // Not every server says that an item begins.
    this.#open ??= { key: keyOf(event), type: isReasoning ? 'reasoning' : 'message', start: null, told: false };
    if (keyOf(event) !== this.#open.key || told.delta === '') return;
    // The seal comes last and belongs to the item: with it, reasoning is told as a whole.
    if (isReasoning && this.#options.sealedReasoning) return;
    if (told.type === 'call.delta' && !this.#open.told) return;
    if (!this.#open.told && this.#open.start) this.#out.push(this.#open.start);
    this.#open.told = true;
    this.#out.push(told);
  }

  #finish(item: UpstreamItem, key: string): void {
    if (this.#open && key !== this.#open.key) {
      this.#waiting.push(item);
      return;
    }
    this.#items.push(item);
    if (this.#open?.told) this.#out.push({ type: 'item.end' });
    else this.#tellWhole(item);
    this.#open = null;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) this.#finish(each, '');
  }

  #tellWhole(item: UpstreamItem): void {
    const events = item.type === 'message' ? toProse(item) : isStreamedCall(item) ? toCall(item) : [];
    if (events.length > 0) this.#out.push(...events, { type: 'item.end' });
    else this.#out.push({ type: 'item', item: this.#toOutputItem(item) });
  }

  #toOutputItem(item: UpstreamItem): OutputItem {
    const { encrypted_content: _, ...open } = item;
    const told = item.type === 'reasoning' && !this.#options.sealedReasoning ? open : item;
    const summary = item.type === 'reasoning' ? { summary: item.summary ?? [] } : {};
    return { ...told, ...summary, id: item.id ?? '' } as OutputItem;
  }

  #end(response: UpstreamResponse): void {
    // Servers that tell no items tell them here (captures: a minimal set of events).
    if (this.#items.length === 0 && !this.#open) for (const item of response.output ?? []) this.#finish(item, '');
    if (this.#open?.told) this.#out.push({ type: 'item.end' });
    this.#done = true;
    this.#out.push({ type: 'end', reason: toReason(response), usage: toEngineUsage(response.usage) });
  }

  #fail(error: unknown): void {
    this.#failure = this.#options.errors.fromResponses(error, this.#options.model);
  }
}

/** What an event is about. One of the two is missing with some servers, and both with llama-server, which writes one item at a time. */
function keyOf(event: UpstreamEvent): string {
  return event.output_index === undefined ? '' : String(event.output_index);
}

function deltaOf({ delta }: UpstreamEvent): string {
  return typeof delta === 'string' ? delta : '';
}

function toText(event: UpstreamEvent): EngineEvent & { type: 'text.delta' } {
  const delta = deltaOf(event);
  const { logprobs } = event;
  return logprobs && logprobs.length > 0
    ? { type: 'text.delta', delta, logprobs: logprobs.map(toTokenLogprob) }
    : { type: 'text.delta', delta };
}

/** Calls that stream; one that is asynchronous or made by a program is told as a whole, since only the item says so. */
function isStreamedCall(item: UpstreamItem): boolean {
  const isCall = item.type === 'function_call' || item.type === 'custom_tool_call';
  return isCall && !item.async && (item.caller?.type ?? 'direct') === 'direct';
}

function toCallStart(item: UpstreamItem): EngineEvent {
  return {
    type: 'call.start',
    kind: item.type === 'function_call' ? 'function' : 'custom',
    name: item.name ?? '',
    ...(item.namespace && { namespace: item.namespace }),
    ...(item.call_id && { callId: item.call_id }),
  };
}

function toCall(item: UpstreamItem): EngineEvent[] {
  const text = item.type === 'function_call' ? item.arguments : item.input;
  return [toCallStart(item), { type: 'call.delta', delta: typeof text === 'string' ? text : '' }];
}

function toProse(item: UpstreamItem): EngineEvent[] {
  const start = toMessageStart(item);
  const parts = (item.content ?? []).flatMap((part): EngineEvent[] => {
    if (part.refusal) return [{ type: 'refusal.delta', delta: part.refusal }];
    if (!part.text) return [];
    const annotations = (part.annotations ?? []).map((annotation) => ({ type: 'annotation' as const, annotation }));
    return [{ type: 'text.delta', delta: part.text }, ...annotations];
  });
  return start === null || parts.length === 0 ? parts : [start, ...parts];
}

/** What a message says of itself before its text; null where that is nothing. */
function toMessageStart({ type, phase }: UpstreamItem): EngineEvent | null {
  const isKnown = type === 'message' && (phase === 'commentary' || phase === 'final_answer');
  return isKnown ? { type: 'message.start', phase } : null;
}

function toReason({
  status,
  incomplete_details: details,
}: UpstreamResponse): 'stop' | 'max_output_tokens' | 'content_filter' {
  if (status !== 'incomplete') return 'stop';
  return details?.reason === 'content_filter' ? 'content_filter' : 'max_output_tokens';
}

const utf8 = new TextEncoder();

function toTokenLogprob(from: UpstreamLogprob): TokenLogprob {
  return { ...toPlainLogprob(from), top_logprobs: (from.top_logprobs ?? []).map(toPlainLogprob) };
}

function toPlainLogprob({ token, logprob, bytes }: UpstreamLogprob): {
  token: string;
  logprob: number;
  bytes: number[];
} {
  return { token, logprob, bytes: [...(bytes ?? utf8.encode(token))] };
}
