/** A call as Llama 3 writes those of its built-in tools: `name.call(city="Oslo")` -> call events, once it is whole. */
import type { EngineEvent } from '../../engine.ts';
import type { CallTarget } from '../tools.ts';
import { CallEvents } from './call-reader.ts';
import type { CallReader } from './call-reader.ts';
import type { CallTargets } from './family.ts';
import { parseKeywordArguments } from './python-literal.ts';

/** No name is longer. Characters. */
const longestHeader = 256;

/** Reads a name, `.call` and what stands in the parentheses. Only a call of a known tool is one: the rest is code. */
export class PythonCall implements CallReader {
  /** A grammar holds what stands in JSON, which these arguments do not. */
  readonly openInput = null;
  readonly #targets: CallTargets;
  #header = '';
  #inside = '';
  #depth = 0;
  #quote = '';
  #isEscaped = false;
  #hasClosed = false;
  #target: CallTarget | null = null;
  #arguments: Readonly<Record<string, unknown>> | null = null;
  #isTaken = false;

  constructor(targets: CallTargets) {
    this.#targets = targets;
  }

  get isClosed(): boolean {
    return this.#hasClosed;
  }

  get isInString(): boolean {
    return this.#quote !== '';
  }

  get body(): string {
    return this.#header + this.#inside;
  }

  get isNamed(): boolean {
    return this.#arguments !== null;
  }

  get isHopeless(): boolean {
    const isCode = this.#depth > 0 && this.#target === null;
    return isCode || this.#header.length > longestHeader || (this.#hasClosed && this.#arguments === null);
  }

  push(character: string): void {
    if (this.#depth > 0) {
      this.#inside += character;
      this.#scan(character);
      return;
    }
    this.#header += character;
    if (character !== '(') return;
    this.#depth = 1;
    const name = /^\s*(\S+)\.call\($/.exec(this.#header)?.[1] ?? '';
    this.#target = this.#targets.get(name) ?? null;
  }

  take(): EngineEvent[] {
    if (this.#target === null || this.#arguments === null || this.#isTaken) return [];
    this.#isTaken = true;
    const args = JSON.stringify(this.#arguments);
    return new CallEvents().finish(this.#target, args);
  }

  finish(): EngineEvent[] {
    return this.take();
  }

  #scan(character: string): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (this.#quote !== '') {
      if (character === '\\') this.#isEscaped = true;
      else if (character === this.#quote) this.#quote = '';
    } else if (character === '"' || character === "'") this.#quote = character;
    else if ('([{'.includes(character)) this.#depth += 1;
    else if (')]}'.includes(character)) this.#depth -= 1;
    if (this.#depth > 0) return;
    this.#hasClosed = true;
    this.#arguments = parseKeywordArguments(this.#inside.slice(0, -1));
  }
}
