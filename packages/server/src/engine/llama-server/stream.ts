/** The bytes of a `/completion` stream -> its events. */
import { createParser } from 'eventsource-parser';
import type { EventSourceParser } from 'eventsource-parser';
import type { UpstreamErrors } from '../http/errors.ts';
import type { CompletionChunk } from './wire.ts';

/** No event is of this size; an endless line must not fill the memory. Characters. */
const maxEventLength = 16 * 1024 * 1024;

/** Decodes one stream. */
export class ChunkDecoder {
  readonly #errors: UpstreamErrors;
  readonly #model: string;
  readonly #text = new TextDecoder();
  readonly #parser: EventSourceParser;
  #chunks: CompletionChunk[] = [];
  #failure: Error | null = null;
  #isDone = false;

  constructor(errors: UpstreamErrors, model: string) {
    this.#errors = errors;
    this.#model = model;
    this.#parser = createParser({
      maxBufferSize: maxEventLength,
      onEvent: ({ data }) => this.#onData(data),
      onError: (error) => {
        // Older servers report a failure as an SSE field of this name.
        if (error.field === 'error') this.#onData(`{"error":${error.value ?? 'null'}}`);
        else if (error.type === 'max-buffer-size-exceeded')
          this.#failure ??= errors.brokenStream('sent an event that is too large', error);
      },
    });
  }

  /** The last event has come. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The events of one read. Throws a catalogue error for one that tells of a failure, when all before it were taken. */
  push(bytes: Uint8Array): CompletionChunk[] {
    if (this.#failure === null) this.#parser.feed(this.#text.decode(bytes, { stream: true }));
    const chunks = this.#chunks;
    this.#chunks = [];
    if (chunks.length === 0 && this.#failure !== null) throw this.#failure;
    return chunks;
  }

  /** The stream has ended. Throws where it should not have. */
  finish(): void {
    if (this.#failure !== null) throw this.#failure;
    if (!this.#isDone) throw this.#errors.brokenStream('ended its answer too early');
  }

  #onData(data: string): void {
    if (this.#failure !== null || this.#isDone || data === '[DONE]') return;
    let chunk: CompletionChunk;
    try {
      chunk = JSON.parse(data) as CompletionChunk;
    } catch (cause) {
      this.#failure = this.#errors.brokenStream('sent an event that is not JSON', cause);
      return;
    }
    if (chunk.error !== undefined) {
      this.#failure = this.#errors.fromStream(chunk, this.#model);
      return;
    }
    this.#isDone = chunk.stop === true;
    this.#chunks.push(chunk);
  }
}
