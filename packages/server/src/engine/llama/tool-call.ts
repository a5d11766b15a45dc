/** One `{"name": …, "arguments": {…}}` as a model writes it -> call events, arguments as they stream. */
import type { EngineEvent } from '../engine.ts';
import { JsonScanner } from './json-scanner.ts';
import { customInputParameter } from './tools.ts';
import type { CallTarget } from './tools.ts';

const argumentKeys = new Set(['arguments', 'parameters']);

/** Reads one call. Keys may come in any order; arguments may be an object or a string that holds one. */
export class ToolCallParser {
  readonly #targets: ReadonlyMap<string, CallTarget>;
  readonly #scanner = new JsonScanner();
  #body = '';
  #stringStart = 0;
  #key: string | null = null;
  #target: CallTarget | null = null;
  #argumentsStart = -1;
  #argumentsEnd = -1;
  #argumentsText: string | null = null;
  #sent = 0;
  #isAnnounced = false;

  constructor(targets: ReadonlyMap<string, CallTarget>) {
    this.#targets = targets;
  }

  /** True once the outermost brace has closed. */
  get isClosed(): boolean {
    return this.#scanner.isClosed;
  }

  /** Inside a JSON string a closing tag is text. */
  get isInString(): boolean {
    return this.#scanner.isInString;
  }

  /** All that was read: what to show when it turns out to be no call. */
  get body(): string {
    return this.#body;
  }

  /** Whether it has named a tool: without a name it is no call. */
  get isNamed(): boolean {
    return this.#target !== null;
  }

  /** Reads one character. */
  push(character: string): void {
    const { depth, isInString } = this.#scanner;
    const at = this.#body.length;
    this.#body += character;
    this.#scanner.push(character);
    if (isInString) {
      if (!this.#scanner.isInString && depth === 1) this.#closeString(this.#body.slice(this.#stringStart, at + 1));
      return;
    }
    if (this.#scanner.isInString) this.#stringStart = at;
    else if (character === ',' && depth === 1) this.#key = null;
    else if (depth === 1 && this.#scanner.depth === 2 && this.#isArguments()) this.#argumentsStart = at;
    else if (depth === 2 && this.#scanner.depth === 1 && this.#isArguments()) this.#argumentsEnd = at + 1;
  }

  /** Events for what was read since the last time. */
  take(): EngineEvent[] {
    const target = this.#target;
    if (target === null) return [];
    const events: EngineEvent[] = [];
    if (!this.#isAnnounced) {
      this.#isAnnounced = true;
      events.push({ type: 'call.start', ...target });
    }
    if (target.kind === 'custom' || this.#argumentsStart === -1) return events;
    const end = this.#argumentsEnd === -1 ? this.#body.length : this.#argumentsEnd;
    const from = this.#argumentsStart + this.#sent;
    if (from < end) events.push({ type: 'call.delta', delta: this.#body.slice(from, end) });
    this.#sent = end - this.#argumentsStart;
    return events;
  }

  /** What is left when the call has ended. */
  finish(): EngineEvent[] {
    const events = this.take();
    if (this.#target?.kind === 'custom') events.push({ type: 'call.delta', delta: this.#customInput() });
    else if (this.#target !== null && this.#argumentsStart === -1)
      events.push({ type: 'call.delta', delta: this.#argumentsText ?? '{}' });
    return events;
  }

  #isArguments(): boolean {
    return this.#key !== null && argumentKeys.has(this.#key);
  }

  #closeString(raw: string): void {
    const value = parseJson(raw);
    if (typeof value !== 'string') return;
    if (this.#key === null) this.#key = value;
    else if (this.#key === 'name') this.#target ??= this.#targets.get(value) ?? { kind: 'function', name: value };
    else if (this.#isArguments()) this.#argumentsText = value;
  }

  /** The one parameter of a custom tool; what the model wrote instead where it is not there. */
  #customInput(): string {
    const end = this.#argumentsEnd === -1 ? this.#body.length : this.#argumentsEnd;
    const text =
      this.#argumentsStart === -1 ? (this.#argumentsText ?? '') : this.#body.slice(this.#argumentsStart, end);
    const value = parseJson(text);
    const input = typeof value === 'object' && value !== null ? Reflect.get(value, customInputParameter) : null;
    return typeof input === 'string' ? input : text;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
