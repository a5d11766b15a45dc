/** The bytes of a streamed answer -> its events, as a server that takes token ids sends them: server-sent, each one JSON. */
import { createParser } from 'eventsource-parser';
import type { EventSourceParser } from 'eventsource-parser';
import type { UpstreamErrors } from '../http/errors.ts';

/** What events of one server look like. */
export interface EventForm<Event> {
  /** What is not wanted of an event, taken out before it is parsed. */
  readonly trim?: (data: string) => string;
  /** Whether nothing follows. Without it, `[DONE]` tells. */
  readonly isLast?: (event: Event) => boolean;
}

/** Every event may be an error instead. */
export interface Fallible {
  readonly error?: unknown;
}

/** No event is of this size; an endless line must not fill the memory. Characters. */
const maxEventLength = 64 * 1024 * 1024;

/** Decodes one stream. */
export class EventDecoder<Event extends Fallible> {
  readonly #form: EventForm<Event>;
  readonly #errors: UpstreamErrors;
  readonly #model: string;
  readonly #text = new TextDecoder();
  readonly #parser: EventSourceParser;
  #events: Event[] = [];
  #failure: Error | null = null;
  #isDone = false;

  /** `model`: its name, for errors. */
  constructor(form: EventForm<Event>, errors: UpstreamErrors, model: string) {
    this.#form = form;
    this.#errors = errors;
    this.#model = model;
    this.#parser = createParser({
      maxBufferSize: maxEventLength,
      onEvent: ({ data }) => this.#onData(data),
      onError: (error) => {
        // Older llama-servers report a failure as an SSE field of this name.
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
  push(bytes: Uint8Array): Event[] {
    if (this.#failure === null) this.#parser.feed(this.#text.decode(bytes, { stream: true }));
    const events = this.#events;
    this.#events = [];
    if (events.length === 0 && this.#failure !== null) throw this.#failure;
    return events;
  }

  /** The stream has ended. Throws where it should not have. */
  finish(): void {
    if (this.#failure !== null) throw this.#failure;
    if (!this.#isDone) throw this.#errors.brokenStream('ended its answer too early');
  }

  #onData(data: string): void {
    if (this.#failure !== null || this.#isDone) return;
    if (data === '[DONE]') {
      this.#isDone = this.#form.isLast === undefined;
      return;
    }
    let event: Event;
    try {
      event = JSON.parse(this.#form.trim?.(data) ?? data) as Event;
    } catch (cause) {
      this.#failure = this.#errors.brokenStream('sent an event that is not JSON', cause);
      return;
    }
    if (event.error !== undefined) {
      this.#failure = this.#errors.fromStream(event, this.#model);
      return;
    }
    this.#isDone = this.#form.isLast?.(event) ?? false;
    this.#events.push(event);
  }
}
