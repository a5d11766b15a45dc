/** A call that may be written in several forms: which one is known at the first character that says something. */
import type { EngineEvent } from '../../engine.ts';
import type { CallTarget } from '../tools.ts';
import type { CallReader } from './call-reader.ts';

/** Reads a call in the form that its first character tells. */
export class EitherCall implements CallReader {
  readonly #silent: RegExp;
  readonly #createReader: (first: string) => CallReader;
  #reader: CallReader | null = null;
  #skipped = '';

  /** `silent`: characters that say nothing before the first one. */
  constructor(silent: RegExp, createReader: (first: string) => CallReader) {
    this.#silent = silent;
    this.#createReader = createReader;
  }

  get isClosed(): boolean {
    return this.#reader?.isClosed ?? false;
  }

  get isInString(): boolean {
    return this.#reader?.isInString ?? false;
  }

  get body(): string {
    return this.#skipped + (this.#reader?.body ?? '');
  }

  get isNamed(): boolean {
    return this.#reader?.isNamed ?? false;
  }

  get openInput(): CallTarget | null {
    return this.#reader?.openInput ?? null;
  }

  get isHopeless(): boolean {
    return this.#reader?.isHopeless ?? false;
  }

  get hasUntoldId(): boolean {
    return this.#reader?.hasUntoldId ?? false;
  }

  push(character: string): void {
    if (this.#reader === null && this.#silent.test(character)) {
      this.#skipped += character;
      return;
    }
    this.#reader ??= this.#createReader(character);
    this.#reader.push(character);
  }

  take(): EngineEvent[] {
    return this.#reader?.take() ?? [];
  }

  finish(): EngineEvent[] {
    return this.#reader?.finish() ?? [];
  }
}
