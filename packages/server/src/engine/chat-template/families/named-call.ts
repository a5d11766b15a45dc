/** A call whose name stands before its arguments (`name[ARGS]{…}`, `function<sep>name … {…}`) -> call events. */
import type { EngineEvent } from '../../engine.ts';
import { toCallId } from '../call-id.ts';
import { JsonScanner } from '../json-scanner.ts';
import type { CallTarget } from '../tools.ts';
import { CallEvents } from './call-reader.ts';
import type { CallReader } from './call-reader.ts';
import type { CallTargets } from './family.ts';

/** No name, with what stands around it, is longer. Characters. */
const longestHeader = 512;

/** Reads a header up to the first brace, then one JSON object. */
export class NamedCall implements CallReader {
  readonly #targets: CallTargets;
  readonly #events = new CallEvents();
  readonly #nameOf: (header: string) => string;
  readonly #idOf: (header: string) => string | null;
  readonly #scanner = new JsonScanner();
  #header = '';
  #arguments = '';
  #target: CallTarget | null = null;
  #callId: string | null = null;
  #hasUntoldId = false;

  /** `nameOf`: the name in all that stood before the first brace; empty where there is none. `idOf`: the id, null where there is none. */
  constructor(
    targets: CallTargets,
    nameOf: (header: string) => string,
    idOf: (header: string) => string | null = () => null,
  ) {
    this.#targets = targets;
    this.#nameOf = nameOf;
    this.#idOf = idOf;
  }

  get isClosed(): boolean {
    return this.#scanner.isClosed;
  }

  get isInString(): boolean {
    return this.#scanner.isInString;
  }

  get body(): string {
    return this.#header + this.#arguments;
  }

  get isNamed(): boolean {
    return this.#target !== null;
  }

  get openInput(): CallTarget | null {
    return this.#target?.kind === 'custom' && !this.isClosed ? this.#target : null;
  }

  get isHopeless(): boolean {
    return this.#target === null && (this.#arguments !== '' || this.#header.length > longestHeader);
  }

  get hasUntoldId(): boolean {
    return this.#hasUntoldId;
  }

  push(character: string): void {
    if (this.#arguments === '' && character !== '{') {
      this.#header += character;
      return;
    }
    if (this.#arguments === '') {
      const name = this.#nameOf(this.#header);
      if (name !== '') this.#target = this.#targets.get(name) ?? { kind: 'function', name };
      const id = this.#idOf(this.#header);
      if (id !== null) this.#callId = toCallId(id);
      this.#hasUntoldId = id !== null && this.#callId === null;
    }
    this.#arguments += character;
    this.#scanner.push(character);
  }

  take(): EngineEvent[] {
    return this.#target === null ? [] : this.#events.take(this.#target, this.#arguments, this.#callId);
  }

  finish(): EngineEvent[] {
    return this.#target === null ? [] : this.#events.finish(this.#target, this.#arguments, this.#callId);
  }
}
