/** Events as JSON. */
import type { KnownEvent, OutputItem } from '@longwire/protocol';
import { CallEncoder } from './call-json.ts';
import { DeltaEncoder } from './delta-json.ts';
import type { FrameBuffer } from './frames.ts';
import { ResponseEncoder } from './response-json.ts';

/** Writes the events of a connection. */
export class EventEncoders {
  /** The one of the lane that spoke last, and those of the others, where there are any. */
  #last: EventEncoder | null = null;
  #others: Map<string | null, EventEncoder> | null = null;

  /** The lane's own. Null stands for the default lane. */
  of(streamId: string | null): EventEncoder {
    const last = this.#last;
    if (last?.streamId === streamId) return last;
    if (last) (this.#others ??= new Map()).set(last.streamId, last);
    this.#last = this.#others?.get(streamId) ?? new EventEncoder(streamId);
    return this.#last;
  }
}

/** Writes the events of one lane. */
export class EventEncoder {
  readonly streamId: string | null;
  readonly #suffix: string;
  readonly #deltas: DeltaEncoder;
  readonly #calls = new CallEncoder();
  /** Null between turns: what it remembers is a turn's. */
  #responses: ResponseEncoder | null = null;

  /** `streamId` is that of the lane; null for the default lane, whose events carry none (dossier C.1, 1). */
  constructor(streamId: string | null) {
    this.streamId = streamId;
    // A stream id is made of letters, digits, '_', '-' and '.': it needs no escaping.
    this.#suffix = streamId === null ? '}' : `,"stream_id":"${streamId}"}`;
    this.#deltas = new DeltaEncoder(this.#suffix);
  }

  /** The JSON of an event. */
  encode(event: KnownEvent): string {
    switch (event.type) {
      case 'response.output_text.delta':
        if (event.logprobs.length > 0) break;
        return this.#deltas.encode(event, event.content_index, noLogprobs);
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return this.#deltas.encode(event, -1, '');
      case 'response.reasoning_text.delta':
        return this.#deltas.encode(event, event.content_index, '');
      case 'response.function_call_arguments.done': {
        const text = `"arguments":${this.#calls.quote(event.arguments)}`;
        const place = `"item_id":${this.#calls.quoteId(event.item_id)},"output_index":${event.output_index}`;
        return `{"type":"${event.type}",${place},${text},"sequence_number":${event.sequence_number}${this.#suffix}`;
      }
      case 'response.output_item.added':
        return this.#encodeItemEvent(event, this.#encodeItem(event.item));
      case 'response.output_item.done': {
        const item = this.#encodeItem(event.item);
        (this.#responses ??= new ResponseEncoder()).keepItem(event.item, item);
        return this.#encodeItemEvent(event, item);
      }
      case 'response.created':
      case 'response.in_progress':
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed': {
        const response = (this.#responses ??= new ResponseEncoder()).encode(event.response);
        if (event.response.status !== 'in_progress') {
          this.#responses = null;
          this.#deltas.forget();
        }
        return `{"type":"${event.type}","response":${response},"sequence_number":${event.sequence_number}${this.#suffix}`;
      }
      default:
    }
    return JSON.stringify(event).slice(0, -1) + this.#suffix;
  }

  #encodeItem(item: OutputItem): string {
    const isCall = item.type === 'function_call' || item.type === 'custom_tool_call';
    return isCall ? this.#calls.encode(item) : JSON.stringify(item);
  }

  #encodeItemEvent({ type, output_index, sequence_number }: ItemEvent, item: string): string {
    const head = `{"type":"${type}","output_index":${output_index},"item":`;
    return `${head}${item},"sequence_number":${sequence_number}${this.#suffix}`;
  }

  /** The same as a frame. */
  write(event: KnownEvent, frames: FrameBuffer): void {
    switch (event.type) {
      case 'response.output_text.delta':
        if (event.logprobs.length > 0) break;
        return this.#deltas.write(event, event.content_index, noLogprobs, frames);
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return this.#deltas.write(event, -1, '', frames);
      case 'response.reasoning_text.delta':
        return this.#deltas.write(event, event.content_index, '', frames);
      default:
    }
    frames.text(this.encode(event));
  }
}

type ItemEvent = Extract<KnownEvent, { type: 'response.output_item.added' | 'response.output_item.done' }>;

const noLogprobs = ',"logprobs":[]';
