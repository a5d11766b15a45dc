/** One `{"name": …, "arguments": {…}}` as a model writes it -> call events, arguments as they stream. */
import type { EngineEvent } from '../../engine.ts';
import { JsonScanner } from '../json-scanner.ts';
import type { CallTarget } from '../tools.ts';
import { CallEvents, parseJson } from './call-reader.ts';
import type { CallReader } from './call-reader.ts';
import type { CallTargets } from './family.ts';

const argumentKeys = new Set(['arguments', 'parameters']);
/** Objects of these keys may hold the name and the arguments in place of the outermost one. */
const wrapperKeys = new Set(['function', 'tool_call']);
/** Other keys that calls have. */
const plainKeys = new Set(['name', 'type', 'id']);

/** Reads one call. Keys may come in any order; arguments may be an object or a string that holds one. */
export class JsonCall implements CallReader {
  readonly #targets: CallTargets;
  readonly #isBare: boolean;
  readonly #events = new CallEvents();
  readonly #scanner = new JsonScanner();
  #body = '';
  #stringStart = 0;
  #key: string | null = null;
  /** Depth of the keys that count. */
  #base = 1;
  #target: CallTarget | null = null;
  #argumentsStart = -1;
  #argumentsEnd = -1;
  #argumentsText: string | null = null;
  #isHopeless = false;
  #hasUntoldId = false;

  /** `isBare`: no mark stood before it, so that only a call of a known tool, and of nothing but a call's keys, is one. */
  constructor(targets: CallTargets, isBare = false) {
    this.#targets = targets;
    this.#isBare = isBare;
  }

  get isClosed(): boolean {
    return this.#scanner.isClosed;
  }

  get isInString(): boolean {
    return this.#scanner.isInString;
  }

  get body(): string {
    return this.#body;
  }

  get isNamed(): boolean {
    return this.#target !== null;
  }

  get openInput(): CallTarget | null {
    const isOpen = this.#argumentsEnd === -1 && this.#body[this.#argumentsStart] === '{';
    return isOpen && this.#target?.kind === 'custom' ? this.#target : null;
  }

  get isHopeless(): boolean {
    return this.#isHopeless && this.#target === null;
  }

  get hasUntoldId(): boolean {
    return this.#hasUntoldId;
  }

  push(character: string): void {
    const { depth, isInString } = this.#scanner;
    const at = this.#body.length;
    this.#body += character;
    this.#scanner.push(character);
    if (isInString) {
      if (!this.#scanner.isInString && depth === this.#base) this.#closeString(this.#body.slice(this.#stringStart));
      return;
    }
    const base = this.#base;
    if (this.#scanner.isInString) this.#stringStart = at;
    else if (character === ',' && depth === base) this.#key = null;
    else if (depth === base && this.#scanner.depth === base + 1) this.#openValue(character, at);
    else if (depth === base + 1 && this.#scanner.depth === base && this.#isInArguments()) this.#argumentsEnd = at + 1;
  }

  take(): EngineEvent[] {
    if (this.#target === null) return [];
    return this.#events.take(this.#target, this.#argumentsStart === -1 ? '' : this.#argumentsWritten());
  }

  finish(): EngineEvent[] {
    if (this.#target === null) return [];
    const written = this.#argumentsWritten();
    return this.#events.finish(this.#target, written === '' && this.#target.kind === 'function' ? '{}' : written);
  }

  #openValue(character: string, at: number): void {
    if (this.#isArguments()) {
      if (this.#argumentsStart === -1) this.#argumentsStart = at;
    } else if (character === '{' && this.#key !== null && wrapperKeys.has(this.#key)) {
      this.#base += 1;
      this.#key = null;
    }
  }

  #isArguments(): boolean {
    return this.#key !== null && argumentKeys.has(this.#key);
  }

  #isInArguments(): boolean {
    return this.#isArguments() && this.#argumentsStart !== -1 && this.#argumentsEnd === -1;
  }

  #closeString(raw: string): void {
    const value = parseJson(raw);
    if (typeof value !== 'string') return;
    if (this.#key === null) this.#readKey(value);
    else if (this.#key === 'name') this.#readName(value);
    else if (this.#key === 'id') this.#hasUntoldId = true;
    else if (this.#isArguments()) this.#argumentsText = value;
  }

  #readKey(key: string): void {
    this.#key = key;
    const isKnown = plainKeys.has(key) || argumentKeys.has(key) || wrapperKeys.has(key);
    if (this.#isBare && !isKnown) this.#isHopeless = true;
  }

  #readName(name: string): void {
    const target = this.#targets.get(name);
    if (target === undefined && this.#isBare) this.#isHopeless = true;
    else if (!this.#isHopeless) this.#target ??= target ?? { kind: 'function', name };
  }

  #argumentsWritten(): string {
    if (this.#argumentsStart === -1) return this.#argumentsText ?? '';
    return this.#body.slice(this.#argumentsStart, this.#argumentsEnd === -1 ? undefined : this.#argumentsEnd);
  }
}
