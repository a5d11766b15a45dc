/**
 * A call in tags, as Qwen3-Coder writes it: `<function=name>`, a `<parameter=key>` around each argument as plain text, `</function>` -> call
 * events, with the arguments as JSON. What a text stands for, the tool's schema tells.
 */
import type { EngineEvent } from '../../engine.ts';
import type { CallTarget } from '../tools.ts';
import { CallEvents } from './call-reader.ts';
import type { CallReader } from './call-reader.ts';
import type { CallTargets } from './family.ts';
import { isPlainText, toJsonValue } from './parameter-text.ts';

export const functionOpen = '<function=';
const functionClose = '</function>';
const parameterOpen = '<parameter=';
const parameterClose = '</parameter>';
/** A line of its own, where it has one. */
const valueCloses = [`\n${parameterClose}`, parameterClose];
/** No name is longer. Characters. */
const longestName = 256;

type Mode = 'opening' | 'name' | 'between' | 'key' | 'value' | 'closed';

/** Reads one call, from its `<function=` on or from behind it. */
export class TaggedCall implements CallReader {
  /** A grammar holds what stands in JSON, which these arguments do not. */
  readonly openInput = null;
  readonly #targets: CallTargets;
  readonly #events = new CallEvents();
  #mode: Mode;
  #body = '';
  /** What was read and not understood yet. */
  #held = '';
  #target: CallTarget | null = null;
  #isHopeless = false;
  /** JSON so far. */
  #arguments = '';
  #schema: unknown = undefined;
  /** Of a value that is not plain text: it becomes JSON when it is whole. */
  #value = '';
  #isFresh = false;

  /** `isOpened`: `<function=` was read already. */
  constructor(targets: CallTargets, isOpened: boolean) {
    this.#targets = targets;
    this.#mode = isOpened ? 'name' : 'opening';
  }

  get isClosed(): boolean {
    return this.#mode === 'closed';
  }

  get isInString(): boolean {
    return this.#mode === 'value';
  }

  get body(): string {
    return this.#body;
  }

  get isNamed(): boolean {
    return this.#target !== null;
  }

  get isHopeless(): boolean {
    return this.#isHopeless && this.#target === null;
  }

  push(character: string): void {
    this.#body += character;
    this.#held += character;
    switch (this.#mode) {
      case 'opening':
        this.#readTag([[functionOpen, 'name']]);
        break;
      case 'name':
        if (character === '>') this.#readName(this.#held.slice(0, -1).trim());
        else if (this.#held.length > longestName) this.#isHopeless = true;
        break;
      case 'between':
        this.#readTag([
          [parameterOpen, 'key'],
          [functionClose, 'closed'],
        ]);
        break;
      case 'key':
        if (character === '>') this.#openValue(this.#held.slice(0, -1).trim());
        break;
      case 'value':
        this.#readValue();
        break;
      case 'closed':
        break;
    }
  }

  take(): EngineEvent[] {
    return this.#target === null ? [] : this.#events.take(this.#target, this.#arguments);
  }

  finish(): EngineEvent[] {
    return this.#target === null ? [] : this.#events.finish(this.#target, this.#arguments);
  }

  /** Goes on where one of these tags is whole. What stands between tags says nothing. */
  #readTag(tags: readonly (readonly [tag: string, next: Mode])[]): void {
    const text = this.#held.trimStart();
    const found = tags.find(([tag]) => tag === text);
    if (found !== undefined) {
      this.#enter(found[1]);
      if (found[1] === 'closed') this.#arguments += this.#arguments === '' ? '{}' : '}';
    } else if (!tags.some(([tag]) => tag.startsWith(text))) {
      this.#held = '';
      this.#isHopeless = true;
    }
  }

  #readName(name: string): void {
    this.#target = this.#targets.get(name) ?? (name === '' ? null : { kind: 'function', name });
    this.#isHopeless = this.#target === null;
    this.#enter('between');
  }

  #openValue(key: string): void {
    const properties = this.#target?.parameters?.['properties'];
    this.#schema = typeof properties === 'object' && properties !== null ? Reflect.get(properties, key) : undefined;
    this.#arguments += `${this.#arguments === '' ? '{' : ', '}${JSON.stringify(key)}: `;
    if (isPlainText(this.#schema)) this.#arguments += '"';
    this.#value = '';
    this.#isFresh = true;
    this.#enter('value');
  }

  #readValue(): void {
    const close = valueCloses.find((each) => this.#held.endsWith(each));
    if (close !== undefined) {
      this.#say(this.#held.slice(0, -close.length));
      this.#arguments += isPlainText(this.#schema) ? '"' : toJsonValue(this.#value, this.#schema);
      this.#enter('between');
      return;
    }
    const length = this.#held.length - heldLength(this.#held);
    this.#say(this.#held.slice(0, length));
    this.#held = this.#held.slice(length);
  }

  #say(text: string): void {
    if (text === '') return;
    // The line break behind the tag is the tag's own.
    const said = this.#isFresh && text.startsWith('\n') ? text.slice(1) : text;
    this.#isFresh = false;
    if (isPlainText(this.#schema)) this.#arguments += JSON.stringify(said).slice(1, -1);
    else this.#value += said;
  }

  #enter(mode: Mode): void {
    this.#mode = mode;
    this.#held = '';
  }
}

/** Characters at the end of a value that may become its closing tag, or half a character. */
function heldLength(text: string): number {
  for (const close of valueCloses) {
    for (let length = Math.min(text.length, close.length - 1); length > 0; length -= 1) {
      if (text.endsWith(close.slice(0, length))) return length;
    }
  }
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd8_00 && last <= 0xdb_ff ? 1 : 0;
}
