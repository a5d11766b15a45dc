/**
 * What a model answered, in the provider's own parts.
 *
 * Providers sign their reasoning and want it back with the tool calls that followed; items of a response have no place for such
 * marks. So the parts are kept beside the context until the same answer comes back as items.
 */
import type { Item } from '@longwire/protocol';
import type { AssistantPart, ProviderOptions, StreamPart } from './wire.ts';

/** What was said, in order and without marks: `text:…`, `reasoning`, `call:ID`. Adjacent texts are one. */
export type Outline = readonly string[];

/** Gathers one answer while it streams. */
export class AnswerRecorder {
  readonly #parts: AssistantPart[] = [];
  /** Texts and reasoning by the id of their block. */
  readonly #blocks = new Map<string, { index: number; text: string; marks: ProviderOptions | undefined }>();
  readonly #said: { kind: string; text: string }[] = [];

  /** Without blocks that say nothing and bear no mark. */
  get parts(): readonly AssistantPart[] {
    return this.#parts.filter((part) => !('text' in part) || part.text !== '' || part.providerOptions !== undefined);
  }

  get outline(): Outline {
    return toOutline(this.#said);
  }

  /** Takes in any part of the stream. */
  add(part: StreamPart): void {
    switch (part.type) {
      case 'text-start':
      case 'text-delta':
      case 'text-end':
        return this.#prose('text', part);
      case 'reasoning-start':
      case 'reasoning-delta':
      case 'reasoning-end':
        return this.#prose('reasoning', part);
      case 'tool-call':
        return this.#call(part);
      case 'tool-result':
        return this.#result(part);
      default:
        return undefined;
    }
  }

  #prose(type: 'text' | 'reasoning', part: StreamPart): void {
    const key = `${type} ${part.id ?? ''}`;
    let block = this.#blocks.get(key);
    if (!block || part.type.endsWith('-start')) {
      block = { index: this.#parts.length, text: '', marks: undefined };
      this.#blocks.set(key, block);
      this.#parts.push({ type, text: '' });
    }
    block.text += part.delta ?? '';
    block.marks = part.providerMetadata ?? block.marks;
    this.#parts[block.index] = { type, text: block.text, ...(block.marks && { providerOptions: block.marks }) };
    if (part.delta) this.#said.push({ kind: type, text: part.delta });
  }

  #call({ toolCallId = '', toolName = '', input = '', providerExecuted, providerMetadata }: StreamPart): void {
    this.#parts.push({
      type: 'tool-call',
      toolCallId,
      toolName,
      input: parseInput(input),
      ...(providerExecuted && { providerExecuted }),
      ...(providerMetadata && { providerOptions: providerMetadata }),
    });
    if (!providerExecuted) this.#said.push({ kind: 'call', text: toolCallId });
  }

  #result({ toolCallId = '', toolName = '', result, providerMetadata }: StreamPart): void {
    this.#parts.push({
      type: 'tool-result',
      toolCallId,
      toolName,
      output: { type: 'json', value: result },
      ...(providerMetadata && { providerOptions: providerMetadata }),
    });
  }
}

/** The outline of items that a response made. */
export function outlineOf(items: readonly Item[]): Outline {
  return toOutline(
    items.map((item) => {
      if (item.type === 'message') return { kind: 'text', text: textOf(item) };
      if (item.type === 'reasoning') return { kind: 'reasoning', text: '' };
      const callId = (item as { call_id?: unknown }).call_id;
      return { kind: 'call', text: typeof callId === 'string' ? callId : item.type };
    }),
  );
}

/** Whether two answers say the same. */
export function isSameOutline(a: Outline, b: Outline): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index]);
}

function toOutline(said: readonly { readonly kind: string; readonly text: string }[]): Outline {
  const outline: string[] = [];
  let last = '';
  for (const { kind, text } of said) {
    if (kind === 'call') outline.push(`call:${text}`);
    else if (kind === 'reasoning' && last !== 'reasoning') outline.push('reasoning');
    else if (kind === 'text' && last !== 'text') outline.push(`text:${text}`);
    else if (kind === 'text') outline.push(`${outline.pop() ?? ''}${text}`);
    last = kind;
  }
  return outline;
}

function textOf({ content }: Extract<Item, { type: 'message' }>): string {
  if (typeof content === 'string') return content;
  return content.map((part) => ('text' in part ? part.text : 'refusal' in part ? part.refusal : '')).join('');
}

/** Providers take objects only; what a model got wrong is told to it as it was. */
function parseInput(input: string): unknown {
  try {
    const value: unknown = input.trim() === '' ? {} : JSON.parse(input);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Told below.
  }
  return { invalid_arguments: input };
}
