/** Outputs that are marked by tags: reasoning in front, calls anywhere or where text would begin, text for the rest. */
import type { EngineEvent } from '../../engine.ts';
import type { CallTarget } from '../tools.ts';
import type { CallReader } from './call-reader.ts';
import type { CallTargets, OutputParser } from './family.ts';
import { JsonCall } from './json-call.ts';
import { findTag, heldFrom, isBeginning } from './tags.ts';

/** The tags of a family. */
export interface TagSyntax {
  /** Around the reasoning that an output may begin with. */
  readonly thinking: { readonly open: string; readonly close: string };
  /** Begin a call, wherever they stand. */
  readonly callOpens: readonly string[];
  /** Begin a call where the text would begin, and nowhere else; the last character is the brace of the call's JSON. */
  readonly bareOpens: readonly string[];
  /** Whether a brace behind a call begins another one. */
  readonly isChained: boolean;
  /** What may stand behind a call, in this order. The last one closes it. */
  readonly callCloses: readonly string[];
  /** Say nothing where they stand around calls. */
  readonly noise: readonly string[];
  /** Say nothing wherever they stand: what calls are wrapped in. */
  readonly wrappers: readonly string[];
  /** Whether the template writes the ids of calls, in front of their results too. */
  readonly writesIds?: boolean;
  /** Reads a call behind `open`, one of `callOpens`. */
  createCall(targets: CallTargets, open: string): CallReader;
}

/**
 * `opening`: nothing but space yet, and reasoning may follow. `gap`: behind reasoning or a call, where space says nothing.
 * `closing`: behind the last brace of a call, before what closes it.
 */
type Mode = 'opening' | 'reasoning' | 'gap' | 'text' | 'call' | 'closing';

/** Parses one output. */
export class TaggedParser implements OutputParser {
  readonly #syntax: TagSyntax;
  readonly #targets: CallTargets;
  /** Begin something inside text; none without tools. */
  readonly #textTags: readonly string[];
  /** All that may begin a call where text would begin. */
  readonly #bareOpens: readonly string[];
  #mode: Mode;
  #buffer = '';
  #call: CallReader | null = null;
  /** What stood before the open call's own first character. */
  #callOpen = '';
  #calls = 0;
  #missesId = false;
  /** How many of `callCloses` the last call is past. */
  #closed = 0;
  /** Space before the first thought says nothing. */
  #hasThought = false;

  constructor(syntax: TagSyntax, targets: CallTargets, opening: string) {
    this.#syntax = syntax;
    this.#targets = targets;
    this.#textTags = targets.size === 0 ? [] : [...syntax.callOpens, ...syntax.wrappers];
    this.#bareOpens = targets.size === 0 ? [] : syntax.bareOpens;
    this.#mode = opening.trimEnd().endsWith(syntax.thinking.open) ? 'reasoning' : 'opening';
  }

  get isReasoning(): boolean {
    return this.#mode === 'reasoning';
  }

  get isBetweenItems(): boolean {
    return this.#mode === 'gap';
  }

  get openInput(): CallTarget | null {
    return this.#call?.openInput ?? null;
  }

  get calls(): number {
    return this.#calls;
  }

  get missesId(): boolean {
    return this.#missesId;
  }

  get isSettled(): boolean {
    return this.#buffer === '' && this.#mode !== 'call' && this.#mode !== 'reasoning';
  }

  push(text: string): EngineEvent[] {
    this.#buffer += text;
    const events: EngineEvent[] = [];
    while (this.#step(events));
    return events;
  }

  finish(): EngineEvent[] {
    const events: EngineEvent[] = [];
    if (this.#mode === 'reasoning') emit(events, 'reasoning.delta', this.#buffer);
    else if (this.#mode === 'call') this.#endCall(events, '');
    else if (this.#mode === 'text' || this.#mode === 'opening') emit(events, 'text.delta', this.#buffer);
    else if (this.#mode === 'gap') emit(events, 'text.delta', this.#buffer.trimStart());
    this.#buffer = '';
    return events;
  }

  /** Reads as much of the buffer as the mode allows. True where something new begins, and there may be more to read. */
  #step(events: EngineEvent[]): boolean {
    switch (this.#mode) {
      case 'opening':
        return this.#readOpening();
      case 'reasoning':
        return this.#readReasoning(events);
      case 'gap':
        return this.#readGap();
      case 'text':
        return this.#readText(events);
      case 'call':
        return this.#readCall(events);
      case 'closing':
        return this.#readClosing();
    }
  }

  #readOpening(): boolean {
    const text = this.#buffer.trimStart();
    if (text === '') return false;
    const { open } = this.#syntax.thinking;
    if (text.startsWith(open)) return this.#enter('reasoning', text.slice(open.length));
    if (this.#openBare(text, this.#bareOpens)) return true;
    return !isBeginning(text, [open, ...this.#bareOpens]) && this.#enter('text', this.#buffer);
  }

  #readReasoning(events: EngineEvent[]): boolean {
    const { close } = this.#syntax.thinking;
    if (!this.#hasThought) this.#buffer = this.#buffer.trimStart();
    const end = this.#buffer.indexOf(close);
    const stop = end === -1 ? heldFrom(this.#buffer, [close]) : end;
    const said = end === -1 ? this.#buffer.slice(0, stop) : this.#buffer.slice(0, stop).trimEnd();
    emit(events, 'reasoning.delta', said);
    this.#hasThought ||= said !== '';
    if (end !== -1) return this.#enter('gap', this.#buffer.slice(end + close.length));
    this.#buffer = this.#buffer.slice(stop);
    return false;
  }

  #readGap(): boolean {
    const text = (this.#buffer = this.#buffer.trimStart());
    if (text === '') return false;
    const noise = this.#calls > 0 ? this.#syntax.noise : [];
    const silent = noise.find((each) => text.startsWith(each));
    if (silent !== undefined) return this.#enter('gap', text.slice(silent.length));
    const opens = this.#calls > 0 && this.#syntax.isChained ? ['{'] : this.#calls === 0 ? this.#bareOpens : [];
    if (this.#openBare(text, opens)) return true;
    return !isBeginning(text, [...noise, ...opens]) && this.#enter('text', text);
  }

  #readText(events: EngineEvent[]): boolean {
    const found = findTag(this.#buffer, this.#textTags);
    if (found === null) {
      const stop = heldFrom(this.#buffer, this.#textTags);
      emit(events, 'text.delta', this.#buffer.slice(0, stop));
      this.#buffer = this.#buffer.slice(stop);
      return false;
    }
    emit(events, 'text.delta', this.#buffer.slice(0, found.at).trimEnd());
    const rest = this.#buffer.slice(found.at + found.tag.length);
    if (this.#syntax.wrappers.includes(found.tag)) return this.#enter('gap', rest);
    return this.#open(this.#syntax.createCall(this.#targets, found.tag), found.tag, rest);
  }

  #readCall(events: EngineEvent[]): boolean {
    const call = this.#call;
    if (call === null) return false;
    const close = this.#syntax.callCloses.at(-1) ?? '';
    let at = 0;
    while (at < this.#buffer.length && !call.isClosed && !call.isHopeless) {
      if (close !== '' && this.#buffer[at] === close[0] && !call.isInString) {
        const rest = this.#buffer.slice(at);
        if (rest.startsWith(close)) {
          this.#endCall(events, close);
          return this.#enter('gap', rest.slice(close.length));
        }
        if (close.startsWith(rest)) break;
      }
      call.push(this.#buffer.charAt(at));
      at += 1;
    }
    this.#buffer = this.#buffer.slice(at);
    events.push(...call.take());
    if (!call.isClosed && !call.isHopeless) return false;
    const wasCall = call.isNamed;
    this.#endCall(events, '');
    this.#closed = 0;
    return this.#enter(wasCall ? 'closing' : 'text', this.#buffer);
  }

  #readClosing(): boolean {
    const text = this.#buffer.trimStart();
    const closes = this.#syntax.callCloses.slice(this.#closed);
    const next = closes.findIndex((each) => text.startsWith(each));
    if (next !== -1) {
      this.#closed += next + 1;
      const rest = text.slice(closes[next]?.length);
      return this.#enter(next === closes.length - 1 ? 'gap' : 'closing', rest);
    }
    if (closes.length > 0 && (text === '' || isBeginning(text, closes))) return false;
    return this.#enter('gap', text);
  }

  /** Begins a call without a mark. */
  #openBare(text: string, opens: readonly string[]): boolean {
    const open = opens.find((each) => text.startsWith(each));
    if (open === undefined) return false;
    const before = open.slice(0, -1);
    return this.#open(new JsonCall(this.#targets, true), before, text.slice(before.length));
  }

  #open(call: CallReader, open: string, rest: string): true {
    this.#call = call;
    this.#callOpen = open;
    return this.#enter('call', rest);
  }

  /** Ends the open call; what names no tool was no call, and is shown as the text that it is. */
  #endCall(events: EngineEvent[], tag: string): void {
    const call = this.#call;
    if (call === null) return;
    this.#call = null;
    if (call.isNamed) events.push(...call.finish());
    else emit(events, 'text.delta', this.#callOpen + call.body + tag);
    if (call.isNamed) this.#calls += 1;
    if (this.#syntax.writesIds && call.hasUntoldId) this.#missesId = true;
  }

  #enter(mode: Mode, rest: string): true {
    this.#mode = mode;
    this.#buffer = rest;
    return true;
  }
}

function emit(events: EngineEvent[], type: 'text.delta' | 'reasoning.delta', delta: string): void {
  if (delta !== '') events.push({ type, delta });
}
