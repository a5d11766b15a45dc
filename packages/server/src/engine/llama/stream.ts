/**
 * A model's text -> engine events, as it streams: `<think>` becomes reasoning, `<tool_call>{json}</tool_call>` a call, the rest
 * text. What may be the beginning of a tag is held back until it is clear, and nothing longer.
 */
import type { EngineEvent } from '../engine.ts';
import { ToolCallParser } from './tool-call.ts';
import type { CallTarget } from './tools.ts';

const thinkOpen = '<think>';
const thinkClose = '</think>';
const callOpen = '<tool_call>';
const callClose = '</tool_call>';

/**
 * `opening`: nothing but space yet, and reasoning may follow. `gap`: behind reasoning or a call, where space says nothing.
 * `closing`: behind the last brace of a call, before its closing tag.
 */
type Mode = 'opening' | 'reasoning' | 'gap' | 'text' | 'call' | 'closing';

/** Parses one output. */
export class OutputParser {
  readonly #targets: ReadonlyMap<string, CallTarget>;
  #mode: Mode;
  #buffer = '';
  #call: ToolCallParser | null = null;
  #calls = 0;
  /** Space before the first thought says nothing. */
  #hasThought = false;

  /** Without tools, tags of calls are text. `isThinking`: the prompt ended inside `<think>` already. */
  constructor(targets: ReadonlyMap<string, CallTarget>, isThinking = false) {
    this.#targets = targets;
    this.#mode = isThinking ? 'reasoning' : 'opening';
  }

  get isReasoning(): boolean {
    return this.#mode === 'reasoning';
  }

  /** Whether a call or reasoning has ended, its closing tag read, and nothing has begun since. */
  get isBetweenItems(): boolean {
    return this.#mode === 'gap';
  }

  /** Calls that are complete. */
  get calls(): number {
    return this.#calls;
  }

  /** Whether all that was pushed has been given out: nothing is held back, no call or reasoning is open. */
  get isSettled(): boolean {
    return this.#buffer === '' && this.#mode !== 'call' && this.#mode !== 'reasoning';
  }

  /** Events of more text. */
  push(text: string): EngineEvent[] {
    this.#buffer += text;
    const events: EngineEvent[] = [];
    let before: Mode;
    do {
      before = this.#mode;
      this.#step(events);
    } while (this.#mode !== before);
    return events;
  }

  /** What was held back, when the model has ended. */
  finish(): EngineEvent[] {
    const events: EngineEvent[] = [];
    if (this.#mode === 'reasoning') emit(events, 'reasoning.delta', this.#buffer);
    else if (this.#mode === 'call') this.#endCall(events, '');
    else if (this.#mode === 'text' || this.#mode === 'opening') emit(events, 'text.delta', this.#buffer);
    this.#buffer = '';
    return events;
  }

  /** Reads as much of the buffer as the mode allows, and changes the mode where something new begins. */
  #step(events: EngineEvent[]): void {
    switch (this.#mode) {
      case 'opening': {
        const text = this.#buffer.trimStart();
        if (text.startsWith(thinkOpen)) this.#enter('reasoning', text.slice(thinkOpen.length));
        else if (!thinkOpen.startsWith(text)) this.#enter('text', this.#buffer);
        break;
      }
      case 'reasoning': {
        if (!this.#hasThought) this.#buffer = this.#buffer.trimStart();
        const end = this.#buffer.indexOf(thinkClose);
        const stop = end === -1 ? heldFrom(this.#buffer, thinkClose) : end;
        const said = end === -1 ? this.#buffer.slice(0, stop) : this.#buffer.slice(0, stop).trimEnd();
        emit(events, 'reasoning.delta', said);
        this.#hasThought ||= said !== '';
        if (end === -1) this.#buffer = this.#buffer.slice(stop);
        else this.#enter('gap', this.#buffer.slice(end + thinkClose.length));
        break;
      }
      case 'gap':
        this.#buffer = this.#buffer.trimStart();
        if (this.#buffer !== '') this.#enter('text', this.#buffer);
        break;
      case 'text': {
        const start = this.#targets.size === 0 ? -1 : this.#buffer.indexOf(callOpen);
        const stop = this.#targets.size === 0 ? this.#buffer.length : heldFrom(this.#buffer, callOpen);
        const said = start === -1 ? this.#buffer.slice(0, stop) : this.#buffer.slice(0, start).trimEnd();
        emit(events, 'text.delta', said);
        if (start === -1) this.#buffer = this.#buffer.slice(stop);
        else {
          this.#call = new ToolCallParser(this.#targets);
          this.#enter('call', this.#buffer.slice(start + callOpen.length));
        }
        break;
      }
      case 'call':
        this.#readCall(events);
        break;
      case 'closing': {
        const text = this.#buffer.trimStart();
        if (text.startsWith(callClose)) this.#enter('gap', text.slice(callClose.length));
        else if (!callClose.startsWith(text)) this.#enter('gap', text);
        break;
      }
    }
  }

  #readCall(events: EngineEvent[]): void {
    const call = this.#call;
    if (call === null) return;
    let at = 0;
    while (at < this.#buffer.length && !call.isClosed) {
      if (this.#buffer[at] === '<' && !call.isInString) {
        const rest = this.#buffer.slice(at);
        if (rest.startsWith(callClose)) {
          this.#endCall(events, callClose);
          this.#enter('gap', rest.slice(callClose.length));
          return;
        }
        if (callClose.startsWith(rest)) break;
      }
      call.push(this.#buffer.charAt(at));
      at += 1;
    }
    this.#buffer = this.#buffer.slice(at);
    events.push(...call.take());
    if (!call.isClosed) return;
    this.#endCall(events, callClose);
    this.#enter('closing', this.#buffer);
  }

  /** Ends the open call; what names no tool was no call, and is shown as the text that it is. */
  #endCall(events: EngineEvent[], tag: string): void {
    const call = this.#call;
    if (call === null) return;
    this.#call = null;
    if (call.isNamed) events.push(...call.finish());
    else emit(events, 'text.delta', callOpen + call.body + tag);
    if (call.isNamed) this.#calls += 1;
  }

  #enter(mode: Mode, rest: string): void {
    this.#mode = mode;
    this.#buffer = rest;
  }
}

function emit(events: EngineEvent[], type: 'text.delta' | 'reasoning.delta', delta: string): void {
  if (delta !== '') events.push({ type, delta });
}

/** Where the end of `text` begins that may become `tag`, with the space before it; its length when nothing is held. */
function heldFrom(text: string, tag: string): number {
  let start = text.length;
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length -= 1) {
    if (text.endsWith(tag.slice(0, length))) {
      start = text.length - length;
      break;
    }
  }
  return text.slice(0, start).trimEnd().length;
}
