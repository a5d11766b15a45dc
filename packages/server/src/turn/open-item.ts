/** An output item while the model still writes it: opens its brackets, sends its deltas, closes it (dossier C.2). */
import {
  randomAlphanumeric,
  type Annotation,
  type ItemStatus,
  type KnownEvent,
  type MessagePhase,
  type OutputCustomToolCallItem,
  type OutputFunctionCallItem,
  type OutputMessageItem,
  type OutputText,
  type OutputReasoningItem,
  type ReasoningText,
  type Refusal,
} from '@longwire/protocol';
import type { ReasoningContent } from '../compaction/sealed-items.ts';
import type { TokenLogprob } from '../engine/engine.ts';
import type { OpenCompaction } from './open-compaction.ts';

/** An event before it has its number. */
export type UnnumberedEvent = KnownEvent extends infer Event
  ? Event extends KnownEvent
    ? Omit<Event, 'sequence_number'>
    : never
  : never;

/** Where an item's events go, and how. */
export interface ItemSink {
  readonly emit: (event: UnnumberedEvent) => void;
  /** The number of the next event, for one that is made with it. */
  readonly takeNumber: () => number;
  /** Emits such an event. */
  readonly emitNumbered: (event: KnownEvent) => void;
  /** Whether deltas are padded. */
  readonly obfuscate: boolean;
  /** Makes the `encrypted_content` of reasoning, where the request includes it. */
  readonly sealReasoning: ((content: ReasoningContent) => string) | null;
}

/** An item's place in its response. */
export interface ItemPlace {
  readonly item_id: string;
  readonly output_index: number;
}

const obfuscationBlock = 16;

/** Random letters that bring a delta to a multiple of 16, so that sizes on the wire don't give the text away (dossier C.1, 7). */
function padding(delta: string): string {
  return randomAlphanumeric((obfuscationBlock - (delta.length % obfuscationBlock)) % obfuscationBlock);
}

/** Sends a delta, padded where the client asked for that. */
function emitDelta(sink: ItemSink, event: DeltaEvent): void {
  if (sink.obfuscate) event.obfuscation = padding(event.delta);
  sink.emit(event);
}

type DeltaEvent = Extract<UnnumberedEvent, { delta: string; item_id: string }>;

// The deltas that there are many of are made in one piece, number and all: a field that comes later costs 140 instructions, and to put
// an event together from parts 3x.

// Events are encoded after the whole batch was made: an item in an event is never an array that still grows.

/** A message: text and refusals, each a content part. */
export class OpenMessage {
  readonly kind = 'message';
  readonly #sink: ItemSink;
  readonly #place: ItemPlace;
  readonly #phase: MessagePhase | null;
  readonly #content: (OutputText | Refusal)[] = [];
  #part: 'output_text' | 'refusal' | null = null;
  #text = '';
  #logprobs: TokenLogprob[] = [];
  #annotations: Annotation[] = [];

  /** `phase`: told where the model gave one. */
  constructor(sink: ItemSink, place: ItemPlace, phase: MessagePhase | null) {
    this.#sink = sink;
    this.#place = place;
    this.#phase = phase;
    sink.emit({
      type: 'response.output_item.added',
      output_index: place.output_index,
      item: this.#item('in_progress'),
    });
  }

  text(delta: string, logprobs: readonly TokenLogprob[]): void {
    this.#open('output_text');
    this.#text += delta;
    if (logprobs.length > 0) this.#logprobs.push(...logprobs);
    const type = 'response.output_text.delta';
    const { item_id, output_index } = this.#place;
    const content_index = this.#content.length;
    const own = logprobs.length > 0 ? [...logprobs] : [];
    const sequence_number = this.#sink.takeNumber();
    this.#sink.emitNumbered(
      this.#sink.obfuscate
        ? {
            type,
            item_id,
            output_index,
            content_index,
            delta,
            logprobs: own,
            obfuscation: padding(delta),
            sequence_number,
          }
        : { type, item_id, output_index, content_index, delta, logprobs: own, sequence_number },
    );
  }

  annotate(annotation: Annotation): void {
    this.#open('output_text');
    const annotation_index = this.#annotations.push(annotation) - 1;
    this.#sink.emit({ type: 'response.output_text.annotation.added', ...this.#at(), annotation_index, annotation });
  }

  refusal(delta: string): void {
    this.#open('refusal');
    this.#text += delta;
    emitDelta(this.#sink, { type: 'response.refusal.delta', ...this.#at(), delta });
  }

  close(status: 'completed' | 'incomplete'): void {
    this.#closePart();
    this.#sink.emit({
      type: 'response.output_item.done',
      output_index: this.#place.output_index,
      item: this.#item(status),
    });
  }

  #open(part: 'output_text' | 'refusal'): void {
    if (this.#part === part) return;
    this.#closePart();
    this.#part = part;
    this.#sink.emit({ type: 'response.content_part.added', ...this.#at(), part: this.#toPart(part) });
  }

  #closePart(): void {
    if (this.#part === null) return;
    const at = this.#at();
    const part = this.#toPart(this.#part);
    if (part.type === 'output_text') {
      this.#sink.emit({ type: 'response.output_text.done', ...at, text: part.text, logprobs: part.logprobs ?? [] });
    } else {
      this.#sink.emit({ type: 'response.refusal.done', ...at, refusal: part.refusal });
    }
    this.#sink.emit({ type: 'response.content_part.done', ...at, part });
    this.#content.push(part);
    this.#part = null;
    this.#text = '';
    this.#logprobs = [];
    this.#annotations = [];
  }

  #toPart(type: 'output_text' | 'refusal'): OutputText | Refusal {
    return type === 'output_text'
      ? { type, annotations: [...this.#annotations], logprobs: [...this.#logprobs], text: this.#text }
      : { type, refusal: this.#text };
  }

  #item(status: ItemStatus): OutputMessageItem {
    return {
      id: this.#place.item_id,
      type: 'message',
      status,
      content: [...this.#content],
      role: 'assistant',
      ...(this.#phase !== null && { phase: this.#phase }),
    };
  }

  #at(): ItemPlace & { content_index: number } {
    return { ...this.#place, content_index: this.#content.length };
  }
}

/** Reasoning: the model's own text as content parts, summaries of it as summary parts. */
export class OpenReasoning {
  readonly kind = 'reasoning';
  readonly #sink: ItemSink;
  readonly #place: ItemPlace;
  readonly #content: ReasoningText[] = [];
  readonly #summary: { type: 'summary_text'; text: string }[] = [];
  #part: 'reasoning_text' | 'summary_text' | null = null;
  #text = '';

  constructor(sink: ItemSink, place: ItemPlace) {
    this.#sink = sink;
    this.#place = place;
    sink.emit({ type: 'response.output_item.added', output_index: place.output_index, item: this.#item() });
  }

  text(delta: string): void {
    if (this.#part !== 'reasoning_text') {
      this.#closePart();
      this.#part = 'reasoning_text';
      const part = { type: 'reasoning_text' as const, text: '' };
      this.#sink.emit({ type: 'response.content_part.added', ...this.#contentPlace(), part });
    }
    this.#text += delta;
    const type = 'response.reasoning_text.delta';
    const { item_id, output_index } = this.#place;
    const content_index = this.#content.length;
    const sequence_number = this.#sink.takeNumber();
    this.#sink.emitNumbered(
      this.#sink.obfuscate
        ? { type, item_id, output_index, content_index, delta, obfuscation: padding(delta), sequence_number }
        : { type, item_id, output_index, content_index, delta, sequence_number },
    );
  }

  summary(delta: string): void {
    if (this.#part !== 'summary_text') {
      this.#closePart();
      this.#part = 'summary_text';
      const part = { type: 'summary_text' as const, text: '' };
      this.#sink.emit({ type: 'response.reasoning_summary_part.added', ...this.#summaryPlace(), part });
    }
    this.#text += delta;
    emitDelta(this.#sink, { type: 'response.reasoning_summary_text.delta', ...this.#summaryPlace(), delta });
  }

  /** What follows belongs to another part of the summary. */
  nextSummary(): void {
    if (this.#part === 'summary_text') this.#closePart();
  }

  /** A reasoning item has no status of its own here: what was cut off shows in its text. */
  close(): void {
    this.#closePart();
    this.#sink.emit({
      type: 'response.output_item.done',
      output_index: this.#place.output_index,
      item: withSeal(this.#sink, this.#item()),
    });
  }

  #closePart(): void {
    const text = this.#text;
    if (this.#part === 'reasoning_text') {
      const part = { type: 'reasoning_text' as const, text };
      this.#sink.emit({ type: 'response.reasoning_text.done', ...this.#contentPlace(), text });
      this.#sink.emit({ type: 'response.content_part.done', ...this.#contentPlace(), part });
      this.#content.push(part);
    } else if (this.#part === 'summary_text') {
      const part = { type: 'summary_text' as const, text };
      this.#sink.emit({ type: 'response.reasoning_summary_text.done', ...this.#summaryPlace(), text });
      this.#sink.emit({ type: 'response.reasoning_summary_part.done', ...this.#summaryPlace(), part });
      this.#summary.push(part);
    }
    this.#part = null;
    this.#text = '';
  }

  #item(): OutputReasoningItem {
    const item: OutputReasoningItem = { id: this.#place.item_id, type: 'reasoning', summary: [...this.#summary] };
    return this.#content.length > 0 ? { ...item, content: [...this.#content] } : item;
  }

  #contentPlace(): ItemPlace & { content_index: number } {
    return { ...this.#place, content_index: this.#content.length };
  }

  #summaryPlace(): ItemPlace & { summary_index: number } {
    return { ...this.#place, summary_index: this.#summary.length };
  }
}

/** The item with all of it sealed too, where the client asked for that. */
export function withSeal({ sealReasoning }: ItemSink, item: OutputReasoningItem): OutputReasoningItem {
  if (!sealReasoning) return item;
  const { content = [], encrypted_content = null } = item;
  return { ...item, encrypted_content: sealReasoning({ content, encrypted_content }) };
}

/** How a call is named. */
export interface CallName {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly callId: string;
}

/** A call of a function, or of a custom tool: the same brackets under two names. */
export class OpenCall {
  readonly kind: 'function' | 'custom';
  readonly #sink: ItemSink;
  readonly #place: ItemPlace;
  readonly #name: CallName;
  #text = '';

  constructor(sink: ItemSink, place: ItemPlace, kind: 'function' | 'custom', name: CallName) {
    this.kind = kind;
    this.#sink = sink;
    this.#place = place;
    this.#name = name;
    sink.emit({
      type: 'response.output_item.added',
      output_index: place.output_index,
      item: this.#item('in_progress'),
    });
  }

  text(delta: string): void {
    this.#text += delta;
    const type =
      this.kind === 'function' ? 'response.function_call_arguments.delta' : 'response.custom_tool_call_input.delta';
    const { item_id, output_index } = this.#place;
    const sequence_number = this.#sink.takeNumber();
    this.#sink.emitNumbered(
      this.#sink.obfuscate
        ? { type, item_id, output_index, delta, obfuscation: padding(delta), sequence_number }
        : { type, item_id, output_index, delta, sequence_number },
    );
  }

  close(status: 'completed' | 'incomplete'): void {
    const { item_id, output_index } = this.#place;
    if (this.kind === 'function') {
      const type = 'response.function_call_arguments.done';
      this.#sink.emit({ type, item_id, output_index, arguments: this.#text });
    } else {
      this.#sink.emit({ type: 'response.custom_tool_call_input.done', item_id, output_index, input: this.#text });
    }
    this.#sink.emit({ type: 'response.output_item.done', output_index, item: this.#item(status) });
  }

  #item(status: ItemStatus): OutputFunctionCallItem | OutputCustomToolCallItem {
    const { item_id: id } = this.#place;
    const { name, namespace, callId: call_id } = this.#name;
    const text = this.#text;
    if (this.kind === 'custom') {
      const type = 'custom_tool_call';
      return namespace === undefined
        ? { id, type, status, input: text, name, call_id }
        : { id, type, status, input: text, name, namespace, call_id };
    }
    const type = 'function_call';
    return namespace === undefined
      ? { id, type, status, arguments: text, name, call_id }
      : { id, type, status, arguments: text, name, namespace, call_id };
  }
}

/** Any item that is open. */
export type OpenItem = OpenMessage | OpenReasoning | OpenCall | OpenCompaction;
