/** Events as JSON. */
import type { KnownEvent } from '@longwire/protocol';
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
  /** Null between turns: what it remembers is a turn's. */
  #responses: ResponseEncoder | null = null;
  #frame = noFrame;

  /** `streamId` is that of the lane; null for the default lane, whose events carry none (dossier C.1, 1). */
  constructor(streamId: string | null) {
    this.streamId = streamId;
    // A stream id is made of letters, digits, '_', '-' and '.': it needs no escaping.
    this.#suffix = streamId === null ? '}' : `,"stream_id":"${streamId}"}`;
  }

  /** The JSON of an event. */
  encode(event: KnownEvent): string {
    switch (event.type) {
      case 'response.output_text.delta':
        if (event.logprobs.length > 0) break;
        return this.#encodeDelta(event, event.content_index, ',"logprobs":[]');
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return this.#encodeDelta(event, -1, '');
      case 'response.reasoning_text.delta':
        return this.#encodeDelta(event, event.content_index, '');
      case 'response.output_item.done': {
        const item = (this.#responses ??= new ResponseEncoder()).encodeItem(event.item);
        const head = `{"type":"${event.type}","output_index":${event.output_index},"item":`;
        return `${head}${item},"sequence_number":${event.sequence_number}${this.#suffix}`;
      }
      case 'response.created':
      case 'response.in_progress':
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed': {
        const response = (this.#responses ??= new ResponseEncoder()).encode(event.response);
        if (event.response.status !== 'in_progress') {
          this.#responses = null;
          this.#frame = noFrame;
        }
        return `{"type":"${event.type}","response":${response},"sequence_number":${event.sequence_number}${this.#suffix}`;
      }
      default:
    }
    return JSON.stringify(event).slice(0, -1) + this.#suffix;
  }

  /**
   * Deltas, most of what a server sends, without asking what they are made of: a quarter of the instructions of `JSON.stringify`. Ids
   * and padding are our own letters and digits; only the delta needs escaping. Of few parts: each costs 180 instructions.
   */
  #encodeDelta(event: Delta, contentIndex: number, extra: string): string {
    const { delta, obfuscation, sequence_number } = event;
    let frame = this.#frame;
    if (!isIn(frame, event, contentIndex)) {
      frame = toDeltaFrame(event, contentIndex, extra);
      this.#frame = frame;
    }
    const { head, padded, tail } = frame;
    const text = head + escape(delta) + (obfuscation === undefined ? tail : padded + obfuscation + paddedTail);
    return text + (sequence_number + this.#suffix);
  }
}

/** One of the four kinds of delta that make up an answer. */
interface Delta {
  readonly type: KnownEvent['type'];
  readonly item_id: string;
  readonly output_index: number;
  readonly delta: string;
  readonly obfuscation?: string;
  readonly sequence_number: number;
}

/** What the deltas of one part have in common. */
interface DeltaFrame {
  readonly type: string;
  readonly item_id: string;
  readonly output_index: number;
  readonly contentIndex: number;
  /** Up to the delta. */
  readonly head: string;
  /** From the delta to the number; to the padding, where there is some. */
  readonly tail: string;
  readonly padded: string;
}

const noFrame: DeltaFrame = {
  type: '',
  item_id: '',
  output_index: -1,
  contentIndex: -1,
  head: '',
  tail: '',
  padded: '',
};
const paddedTail = '","sequence_number":';

function isIn(frame: DeltaFrame, { type, item_id, output_index }: Delta, contentIndex: number): boolean {
  return (
    frame.item_id === item_id &&
    frame.output_index === output_index &&
    frame.contentIndex === contentIndex &&
    frame.type === type
  );
}

function toDeltaFrame({ type, item_id, output_index }: Delta, contentIndex: number, extra: string): DeltaFrame {
  const part = contentIndex === -1 ? '' : `,"content_index":${contentIndex}`;
  return {
    type,
    item_id,
    output_index,
    contentIndex,
    head: ['{"type":"', type, '","item_id":"', item_id, '","output_index":', output_index, part, ',"delta":"'].join(''),
    tail: `"${extra},"sequence_number":`,
    padded: `"${extra},"obfuscation":"`,
  };
}

/** What stands between the quotes. It is cheaper to look at each of the few letters of a token than to call `JSON.stringify`. */
function escape(text: string): string {
  if (text.length > 32) return JSON.stringify(text).slice(1, -1);
  let escaped = '';
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code > 0x7e) return JSON.stringify(text).slice(1, -1);
    if (code !== 0x22 && code !== 0x5c) continue;
    escaped += `${text.slice(from, at)}\\`;
    from = at;
  }
  return from === 0 && escaped === '' ? text : escaped + text.slice(from);
}
