/** The bytes of a server-sent stream as Responses events (dossier L.3). */
import type { ProtocolError } from '@longwire/protocol';
import { createParser, type EventSourceParser } from 'eventsource-parser';
import type { UpstreamErrors } from '../http/errors.ts';
import { readEvent, type UpstreamEvent } from './wire.ts';

/** No event is larger; an endless line must not fill the memory. Characters. */
const maxEventLength = 64 * 1024 * 1024;

/** Reads one stream. */
export class SseEvents {
  readonly #text = new TextDecoder();
  readonly #parser: EventSourceParser;
  #events: UpstreamEvent[] = [];
  #overflow: ProtocolError | null = null;

  constructor(errors: UpstreamErrors) {
    this.#parser = createParser({
      maxBufferSize: maxEventLength,
      onEvent: ({ data }) => {
        const event = readEvent(data);
        if (event) this.#events.push(event);
      },
      onError: (error) => {
        if (error.type !== 'max-buffer-size-exceeded') return;
        this.#overflow = errors.brokenStream('sent an event that is too large', error);
      },
    });
  }

  /** The events that this read completes; what is none (`[DONE]`, comments) is passed over. Throws `engine_unavailable` when one has no end. */
  push(bytes: Uint8Array): readonly UpstreamEvent[] {
    this.#parser.feed(this.#text.decode(bytes, { stream: true }));
    if (this.#overflow) throw this.#overflow;
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
