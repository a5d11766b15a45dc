/** The order that the official SSE accumulator insists on, inside one response (dossier C.2). */
import type { KnownEvent, OutputItem } from '@longwire/protocol';

interface OpenItem {
  readonly item: OutputItem;
  /** Content parts so far, and the kind of the one that is open. */
  parts: number;
  part: string | null;
  summaries: number;
  summary: boolean;
  /** Whether the arguments or the input are complete. */
  isWritten: boolean;
}

/** Event families that write one string, and the type of the item that they belong to. */
const writers: Readonly<Record<string, string>> = {
  'response.function_call_arguments': 'function_call',
  'response.custom_tool_call_input': 'custom_tool_call',
};

/** Event families that write a content part, and the type of the part. */
const partWriters: Readonly<Record<string, string>> = {
  'response.output_text': 'output_text',
  'response.refusal': 'refusal',
  'response.reasoning_text': 'reasoning_text',
};

/** Accepts the events between `response.in_progress` and the terminal event. Throws an `Error` for one out of place. */
export class Brackets {
  readonly #ids = new Set<string>();
  readonly #callIds = new Set<string>();
  #items = 0;
  #open: OpenItem | null = null;

  get isOpen(): boolean {
    return this.#open !== null;
  }

  accept(event: KnownEvent): void {
    switch (event.type) {
      case 'response.output_item.added':
        return this.#add(event.output_index, event.item);
      case 'response.output_item.done':
        return this.#finish(event.output_index, event.item);
      case 'response.content_part.added':
      case 'response.content_part.done':
        return this.#turnPart(this.#itemOf(event), event);
      case 'response.reasoning_summary_part.added':
      case 'response.reasoning_summary_part.done':
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_summary_text.done':
        return this.#turnSummary(this.#itemOf(event), event);
      case 'response.compaction.compacting':
        if (this.#itemOf(event).item.type !== 'compaction') throw new Error(`${event.type} is out of place.`);
        return;
      default:
        return this.#write(event);
    }
  }

  requireClosed(): void {
    if (this.#open) throw new Error(`Item ${this.#items - 1} was never done.`);
  }

  #add(index: number, item: OutputItem): void {
    if (this.#open) throw new Error(`Item ${index} begins inside another.`);
    if (index !== this.#items) throw new Error(`output_index is ${index} in place of ${this.#items}.`);
    const { id, call_id: callId } = item as { id?: unknown; call_id?: unknown };
    if (typeof id !== 'string' || id === '' || this.#ids.has(id)) throw new Error(`Item id ${String(id)} is not new.`);
    this.#ids.add(id);
    if (callId !== undefined) {
      if (typeof callId !== 'string' || callId === '' || this.#callIds.has(`${item.type} ${callId}`)) {
        throw new Error(`call_id ${JSON.stringify(callId)} is not new.`);
      }
      this.#callIds.add(`${item.type} ${callId}`);
    }
    this.#items++;
    this.#open = { item, parts: 0, part: null, summaries: 0, summary: false, isWritten: false };
  }

  #finish(index: number, item: OutputItem): void {
    const open = this.#open;
    if (!open || index !== this.#items - 1) throw new Error(`Item ${index} is done and was not open.`);
    for (const field of ['type', 'id', 'call_id', 'name'] as const) {
      const [before, after] = [open.item, item].map((one) => (one as Record<string, unknown>)[field]);
      if (before !== after) throw new Error(`Item ${index} changed its ${field}.`);
    }
    if (open.part !== null || open.summary) throw new Error(`Item ${index} is done with an open part.`);
    if (Object.values(writers).includes(item.type) && !open.isWritten) throw new Error(`Call ${index} was cut short.`);
    this.#open = null;
  }

  #turnPart(open: OpenItem, event: KnownEvent & { type: `response.content_part.${string}` }): void {
    if (event.content_index !== open.parts) throw new Error(`content_index is ${event.content_index}.`);
    const wanted = open.item.type === 'reasoning' ? ['reasoning_text'] : ['output_text', 'refusal'];
    if (!wanted.includes(event.part.type)) throw new Error(`${open.item.type} has a part ${event.part.type}.`);
    if (event.type === 'response.content_part.added') {
      if (open.part !== null || open.summary) throw new Error('A part begins inside another.');
      open.part = event.part.type;
    } else {
      if (open.part !== event.part.type) throw new Error('A part is done and was not open.');
      open.part = null;
      open.parts++;
    }
  }

  #turnSummary(open: OpenItem, event: KnownEvent & { type: `response.reasoning_summary_${string}` }): void {
    if (open.item.type !== 'reasoning') throw new Error(`${open.item.type} has a summary.`);
    if (event.summary_index !== open.summaries) throw new Error(`summary_index is ${event.summary_index}.`);
    const begins = event.type === 'response.reasoning_summary_part.added';
    if (begins ? open.summary || open.part !== null : !open.summary) throw new Error(`${event.type} is out of place.`);
    if (begins) open.summary = true;
    if (event.type === 'response.reasoning_summary_part.done') {
      open.summary = false;
      open.summaries++;
    }
  }

  #write(event: KnownEvent): void {
    const family = event.type.replace(/\.(delta|done|annotation\.added)$/, '');
    const partType = partWriters[family];
    const itemType = writers[family];
    if (partType !== undefined) {
      const open = this.#itemOf(event);
      if (open.part !== partType) throw new Error(`${event.type} without a ${partType} part.`);
      if ((event as { content_index?: number }).content_index !== open.parts)
        throw new Error('content_index is wrong.');
    } else if (itemType !== undefined) {
      const open = this.#itemOf(event);
      if (open.item.type !== itemType || open.isWritten) throw new Error(`${event.type} is out of place.`);
      open.isWritten = event.type.endsWith('.done');
    } else {
      throw new Error(`${event.type} is not known here.`);
    }
  }

  #itemOf(event: KnownEvent): OpenItem {
    const { output_index: index, item_id: id } = event as { output_index?: number; item_id?: string };
    const open = this.#open;
    if (!open || index !== this.#items - 1) throw new Error(`${event.type} outside its item.`);
    if ((open.item as { id?: string }).id !== id) throw new Error(`${event.type} names ${id}.`);
    return open;
  }
}
