/** The bytes of a chat-completions stream -> engine events, one batch per read. */
import type { ProtocolError } from '@longwire/protocol';
import { createParser, type EventSourceMessage, type EventSourceParser } from 'eventsource-parser';
import type { EndReason, EngineEvent, EngineUsage, TokenLogprob } from '../engine.ts';
import type { UpstreamErrors } from '../http/errors.ts';
import { ItemQueue } from '../chat/item-queue.ts';
import { StreamedCall } from '../chat/tool-call.ts';
import type { ToolTable } from '../chat/tools.ts';
import { TextTemplate } from './text-template.ts';
import { toEngineUsage, unknownUsage } from './usage.ts';
import type { ChatChoice, ChatChunk, ChatContentPiece, ChatDelta, ChatLogprob, ChatToolCallDelta } from './wire.ts';

/** No server sends an event of this size; an endless line must not fill the memory. Characters. */
const maxEventLength = 16 * 1024 * 1024;

/** One stream. After `failure` is set, or `done`, nothing more is read. */
export class ChatStreamDecoder {
  readonly #table: ToolTable;
  readonly #errors: UpstreamErrors;
  readonly #model: string;
  readonly #text = new TextDecoder();
  readonly #parser: EventSourceParser;
  readonly #queue: ItemQueue;
  readonly #template = new TextTemplate();
  readonly #calls: { index: number | null; id: string | null; call: StreamedCall }[] = [];
  readonly #callIds = new Set<string>();
  #usage: EngineUsage | null = null;
  #reason: EndReason | null = null;
  #failure: ProtocolError | null = null;
  #done = false;
  #last: EngineEvent | null = null;

  /** `parallelCalls`: whether more calls than one may be told. */
  constructor(table: ToolTable, errors: UpstreamErrors, model: string, parallelCalls: boolean) {
    this.#table = table;
    this.#queue = new ItemQueue(parallelCalls);
    this.#errors = errors;
    this.#model = model;
    this.#parser = createParser({
      maxBufferSize: maxEventLength,
      onEvent: (event) => this.#onEvent(event),
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded') {
          this.#fail(errors.brokenStream('sent an event that is too large', error));
        } else if (error.field === 'error') {
          // Older llama-servers report a failure as an SSE field of this name.
          this.#onData(`{"error":${error.value ?? 'null'}}`);
        }
      },
    });
  }

  /** Why there will be no whole answer; what came before it was given out already. */
  get failure(): ProtocolError | null {
    return this.#failure;
  }

  /** The answer is whole: `end` was given out, whatever the connection does next. */
  get done(): boolean {
    return this.#done;
  }

  /** The finish reason has come: only usage, which not every server sends, may still follow. */
  get finished(): boolean {
    return this.#reason !== null;
  }

  /** The events of one read. */
  push(bytes: Uint8Array): EngineEvent[] {
    if (this.#stopped) return [];
    this.#parser.feed(this.#text.decode(bytes, { stream: true }));
    return this.#take();
  }

  /** The events of an answer that came whole, from a server that does not stream. */
  pushWhole(json: string): EngineEvent[] {
    if (!this.#stopped) this.#onData(json);
    return this.#take();
  }

  /** The upstream has closed: the last events, or a failure when the answer is not whole. */
  finish(): EngineEvent[] {
    if (this.#stopped) return [];
    this.#parser.reset({ consume: true });
    if (!this.#stopped) {
      if (this.#reason === null) this.#fail(this.#errors.brokenStream('ended its answer too early'));
      else this.#end(this.#reason);
    }
    return this.#take();
  }

  get #stopped(): boolean {
    return this.#done || this.#failure !== null;
  }

  #fail(error: ProtocolError): void {
    this.#failure ??= error;
  }

  #onEvent(event: EventSourceMessage): void {
    if (this.#stopped) return;
    if (event.data === '[DONE]') {
      this.#end(this.#reason ?? 'stop');
    } else {
      this.#onData(event.data, event.event === 'error');
    }
  }

  #onData(json: string, isError = false): void {
    if (this.#stopped) return;
    const text = isError ? null : this.#template.read(json);
    if (text !== null) {
      this.#onText(text);
      return;
    }
    let chunk: ChatChunk | null;
    try {
      chunk = JSON.parse(json) as ChatChunk | null;
    } catch (cause) {
      this.#fail(this.#errors.brokenStream('sent an event that is not JSON', cause));
      return;
    }
    if (chunk === null) return;
    if (isError || chunk.error || chunk.object === 'error') {
      this.#fail(this.#errors.fromStream(chunk, this.#model));
      return;
    }
    this.#template.learn(json, chunk);
    this.#usage = toEngineUsage(chunk) ?? this.#usage;
    const choice = chunk.choices?.find((each) => (each.index ?? 0) === 0);
    if (choice) this.#onChoice(choice);
  }

  #onChoice(choice: ChatChoice): void {
    const delta = choice.delta ?? choice.message;
    if (delta) this.#onDelta(delta, choice.logprobs?.content);
    const reason = choice.finish_reason;
    if (!reason) return;
    if (failedReasons.has(reason)) {
      this.#fail(this.#errors.brokenStream(`stopped with the reason '${reason.slice(0, 64)}'`));
    } else {
      this.#reason = endReasons.get(reason) ?? 'stop';
    }
  }

  #onDelta(delta: ChatDelta, logprobs: readonly ChatLogprob[] | null | undefined): void {
    const reasoning = delta.reasoning_content || delta.reasoning;
    if (reasoning) this.#queue.prose({ type: 'reasoning.delta', delta: reasoning });
    if (typeof delta.content === 'string') this.#onText(delta.content, logprobs);
    else if (Array.isArray(delta.content)) this.#onPieces(delta.content);
    if (delta.refusal) this.#queue.prose({ type: 'refusal.delta', delta: delta.refusal });
    for (const call of delta.tool_calls ?? []) this.#onCall(call);
  }

  #onText(text: string, logprobs?: readonly ChatLogprob[] | null): void {
    if (text === '') return;
    this.#queue.prose(
      logprobs && logprobs.length > 0
        ? { type: 'text.delta', delta: text, logprobs: logprobs.map(toTokenLogprob) }
        : { type: 'text.delta', delta: text },
    );
  }

  #onPieces(pieces: readonly ChatContentPiece[]): void {
    for (const piece of pieces) {
      if (piece.text) this.#onText(piece.text);
      for (const { text } of piece.thinking ?? []) {
        if (text) this.#queue.prose({ type: 'reasoning.delta', delta: text });
      }
    }
  }

  #onCall(delta: ChatToolCallDelta): void {
    const name = delta.function?.name ?? '';
    const args = delta.function?.arguments ?? '';
    const call = this.#find(delta, name) ?? this.#begin(delta);
    call.append(name, typeof args === 'string' ? args : JSON.stringify(args));
    this.#queue.continue(call);
  }

  /**
   * The call that a delta continues, or null for a new one. Servers name it by index, by id, or not at all; some give every
   * call the index 0, and some make up a new id for each delta: without a name, nothing new begins.
   */
  #find({ index, id }: ChatToolCallDelta, name: string): StreamedCall | null {
    const found =
      typeof index === 'number'
        ? this.#calls.findLast((each) => each.index === index)
        : (this.#calls.find((each) => !!id && each.id === id) ?? (name === '' ? this.#calls.at(-1) : undefined));
    if (!found) return null;
    const isOther = id ? found.id !== null && found.id !== id : found.call.isWhole();
    return name !== '' && isOther ? null : found.call;
  }

  #begin({ index, id }: ChatToolCallDelta): StreamedCall {
    // An id that comes twice would make two calls one: the sequencer makes another.
    const unique = id && !this.#callIds.has(id) ? id : null;
    if (unique !== null) this.#callIds.add(unique);
    const call = new StreamedCall(this.#table, unique);
    this.#calls.push({ index: index ?? null, id: id || null, call });
    this.#queue.begin(call);
    return call;
  }

  #end(reason: EndReason): void {
    this.#queue.close();
    if (this.#calls.some(({ call }) => call.name === '')) {
      this.#fail(this.#errors.brokenStream('called a tool without naming it'));
      return;
    }
    this.#done = true;
    this.#last = { type: 'end', reason, usage: this.#usage ?? unknownUsage };
  }

  #take(): EngineEvent[] {
    const events = this.#queue.take();
    if (this.#last) events.push(this.#last);
    this.#last = null;
    return events;
  }
}

const endReasons: ReadonlyMap<string, EndReason> = new Map([
  ['length', 'max_output_tokens'],
  ['content_filter', 'content_filter'],
]);

/** The server gave up: OpenRouter, vLLM and SGLang, DeepSeek. */
const failedReasons: ReadonlySet<string> = new Set(['error', 'abort', 'insufficient_system_resource']);

const utf8 = new TextEncoder();

function toTokenLogprob(from: ChatLogprob): TokenLogprob {
  return { ...toPlainLogprob(from), top_logprobs: (from.top_logprobs ?? []).map(toPlainLogprob) };
}

function toPlainLogprob({ token, logprob, bytes }: ChatLogprob): { token: string; logprob: number; bytes: number[] } {
  return { token, logprob, bytes: [...(bytes ?? utf8.encode(token))] };
}
