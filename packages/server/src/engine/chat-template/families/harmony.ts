/**
 * gpt-oss ("harmony"): every message says its channel. `analysis` is reasoning, `commentary` with a recipient a call
 * (`to=functions.name`) and without one a word to the user, `final` the answer.
 */
import type { EngineEvent } from '../../engine.ts';
import type { CallTarget } from '../tools.ts';
import { JsonScanner } from '../json-scanner.ts';
import { CallEvents } from './call-reader.ts';
import type { CallTargets, Family, OutputParser } from './family.ts';
import { findTag, heldFrom } from './tags.ts';

const start = '<|start|>';
const channel = '<|channel|>';
const message = '<|message|>';
/** Where a body ends; the last two begin the next message, the model having forgotten the end. */
const ends = ['<|end|>', '<|call|>', '<|return|>', start, channel];
/** No header is longer. Characters. */
const longestHeader = 256;

type Body = 'reasoning' | 'text' | 'call';

class HarmonyParser implements OutputParser {
  readonly #targets: CallTargets;
  #buffer = '';
  /** Null in a header. */
  #body: Body | null = null;
  #last: Body | null = null;
  #calls = 0;
  #target: CallTarget | null = null;
  #arguments = '';
  #events = new CallEvents();
  #scanner = new JsonScanner();
  #isBegun = false;

  constructor(targets: CallTargets) {
    this.#targets = targets;
  }

  get isReasoning(): boolean {
    return this.#body === 'reasoning';
  }

  get isBetweenItems(): boolean {
    return this.#body === null && this.#last !== null && this.#last !== 'text' && this.#buffer === '';
  }

  get openInput(): CallTarget | null {
    const isOpen = this.#body === 'call' && this.#scanner.depth > 0;
    return isOpen && this.#target?.kind === 'custom' ? this.#target : null;
  }

  get calls(): number {
    return this.#calls;
  }

  get isSettled(): boolean {
    return this.#buffer === '' && (this.#body === null || this.#body === 'text');
  }

  push(text: string): EngineEvent[] {
    this.#buffer += text;
    const events: EngineEvent[] = [];
    while (this.#body === null ? this.#readHeader(events) : this.#readBody(events));
    return events;
  }

  finish(): EngineEvent[] {
    const events: EngineEvent[] = [];
    if (this.#body !== null) {
      this.#emit(events, this.#buffer);
      this.#endBody(events);
    } else if (!this.#isBegun) {
      this.#open(events, 'text');
      this.#emit(events, this.#buffer);
    }
    this.#buffer = '';
    return events;
  }

  #readHeader(events: EngineEvent[]): boolean {
    const end = this.#buffer.indexOf(message);
    const length = end === -1 ? this.#buffer.length + 1 : end + message.length;
    if (!mayBeHeader(this.#buffer) || length > longestHeader) {
      // No header at all: a model that answers plainly.
      this.#open(events, 'text');
      return true;
    }
    if (end === -1) return false;
    const header = this.#buffer.slice(0, end);
    this.#buffer = this.#buffer.slice(end + message.length);
    const recipient = /to=functions\.([^\s<]+)/.exec(header)?.[1];
    if (recipient !== undefined && this.#targets.size > 0) {
      const target = this.#targets.get(recipient) ?? { kind: 'function' as const, name: recipient };
      this.#target = target;
      this.#arguments = '';
      this.#events = new CallEvents();
      this.#scanner = new JsonScanner();
      this.#open(events, 'call');
      events.push(...this.#events.take(target, ''));
    } else {
      this.#open(events, /<\|channel\|>\s*analysis/.test(header) ? 'reasoning' : 'text');
    }
    return true;
  }

  #readBody(events: EngineEvent[]): boolean {
    const found = findTag(this.#buffer, ends);
    if (found === null) {
      const stop = heldFrom(this.#buffer, ends);
      this.#emit(events, this.#buffer.slice(0, stop));
      this.#buffer = this.#buffer.slice(stop);
      return false;
    }
    this.#emit(events, this.#buffer.slice(0, found.at));
    this.#buffer = this.#buffer.slice(
      found.tag === start || found.tag === channel ? found.at : found.at + found.tag.length,
    );
    this.#endBody(events);
    return true;
  }

  #open(events: EngineEvent[], body: Body): void {
    if (body === this.#last && body === 'text') events.push({ type: 'item.end' });
    this.#body = body;
    this.#isBegun = true;
  }

  #emit(events: EngineEvent[], text: string): void {
    if (text === '') return;
    if (this.#body === 'reasoning') events.push({ type: 'reasoning.delta', delta: text });
    else if (this.#body === 'text') events.push({ type: 'text.delta', delta: text });
    else {
      this.#arguments += text;
      for (const character of text) this.#scanner.push(character);
      if (this.#target !== null) events.push(...this.#events.take(this.#target, this.#arguments));
    }
  }

  #endBody(events: EngineEvent[]): void {
    if (this.#body === 'call' && this.#target !== null) {
      this.#calls += 1;
      const isBare = this.#target.kind === 'function' && this.#arguments === '';
      events.push(...this.#events.finish(this.#target, isBare ? '{}' : this.#arguments));
    }
    this.#last = this.#body;
    this.#body = null;
  }
}

/** Whether a text begins as headers do, as far as it goes. */
function mayBeHeader(text: string): boolean {
  const begun = text.trimStart();
  return ['<|', 'to=', 'assistant'].some((start) => begun.startsWith(start) || start.startsWith(begun));
}

export const harmony: Family = {
  name: 'harmony',
  callMark: 'to=functions.',
  forcedCall: (name) =>
    name === null
      ? `${channel}commentary to=functions.`
      : `${channel}commentary to=functions.${name} <|constrain|>json${message}`,
  argumentsOpening: '',
  finalStart: `${channel}final${message}`,
  marks: [start, channel, message, '<|end|>', '<|constrain|>'],
  createParser: (targets) => new HarmonyParser(targets),
};
