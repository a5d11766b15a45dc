/** One turn as the application sees it: events to iterate, a response to await. */
import type { OutputItem, Response, ServerEvent } from '@longwire/protocol';
import { UnreadEventsError } from './errors.ts';
import type { TurnProgress } from './errors.ts';

/**
 * The events of one turn, each once and in order whatever happened to sockets, up to and with its terminal event, and the
 * response that they make. Iterate it once, await `response`, or both. A turn that was steered goes on with the events of the
 * responses that follow; the last one is its response.
 *
 * An `error` event and a `response.failed` are yielded and then thrown as a `ResponsesError`. A turn that cannot be recovered
 * is a `ConnectionLostError`. A response with the status `incomplete` is no error.
 */
export interface TurnStream extends AsyncIterable<ServerEvent> {
  readonly response: Promise<Response>;
  /** Id of the response that runs or that was the last; null until its first event. */
  readonly responseId: string | null;
}

/** How a turn ended. */
export type TurnEnd = { readonly response: Response } | { readonly error: Error };

/** A turn that waits or runs: the lane feeds it, the application reads it. */
export class OpenTurn implements TurnStream {
  readonly response: Promise<Response>;
  readonly #settle: PromiseWithResolvers<Response>;
  readonly #maxUnreadBytes: number;
  #unread: { readonly event: ServerEvent; readonly bytes: number }[] = [];
  #unreadBytes = 0;
  #items: OutputItem[] = [];
  #change: PromiseWithResolvers<void> | null = null;
  #end: TurnEnd | null = null;
  #overflow: Error | null = null;
  #isRead = true;
  #received = 0;
  #responseId: string | null = null;
  #sequence = -1;
  /** Whether the request has left. */
  isSent = false;

  constructor(maxUnreadBytes: number) {
    this.#maxUnreadBytes = maxUnreadBytes;
    this.#settle = Promise.withResolvers();
    this.response = this.#settle.promise;
    // Whoever only iterates meets the error there: it must not be an unhandled rejection as well.
    this.response.catch(() => {});
  }

  get responseId(): string | null {
    return this.#responseId;
  }

  /** Whether the application waits for nothing any more: it has the end, or has aborted. */
  get isSettled(): boolean {
    return this.#end !== null;
  }

  get progress(): TurnProgress {
    const { isSent: sent } = this;
    return { sent, received: this.#received, responseId: this.#responseId, items: this.#items.filter(() => true) };
  }

  /** Whether this event was taken already: sent again by a server, doubled on its way. */
  isRepeated(event: ServerEvent): boolean {
    if (event.type === 'error') return false;
    if (event.type === 'response.created') return responseOf(event)?.id === this.#responseId;
    const { sequence_number: sequence } = event;
    // A server that numbers nothing may send 0 for ever.
    return typeof sequence === 'number' && sequence <= this.#sequence && this.#sequence > 0;
  }

  /** The next event of this turn; `bytes` is its size on the wire. Returns the response when this was its successful end. */
  push(event: ServerEvent, bytes: number): Response | null {
    this.#received += 1;
    const response = responseOf(event);
    if (response !== null && response.id !== this.#responseId) {
      this.#responseId = response.id;
      this.#items = [];
      this.#sequence = -1;
    }
    if (typeof event.sequence_number === 'number') this.#sequence = Math.max(this.#sequence, event.sequence_number);
    if (event.type === 'response.output_item.done') this.#items[event.output_index] = event.item;
    this.#keep(event, bytes);
    if (event.type !== 'response.completed' && event.type !== 'response.incomplete') return null;
    // Some servers leave out what they have already sent item by item (dossier C.1, rule 8).
    const { output = this.#items.filter(() => true) } = event.response as Partial<Response>;
    return { ...event.response, output };
  }

  finish(end: TurnEnd): void {
    if (this.#end) return;
    this.#end = end;
    if ('error' in end) this.#settle.reject(end.error);
    else this.#settle.resolve(end.response);
    this.#wakeReader();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ServerEvent, void, undefined> {
    try {
      for (;;) {
        const events = this.#unread;
        this.#unread = [];
        for (const { event, bytes } of events) {
          this.#unreadBytes -= bytes;
          yield event;
        }
        if (events.length > 0) continue;
        if (this.#overflow) throw this.#overflow;
        if (this.#end) {
          if ('error' in this.#end) throw this.#end.error;
          return;
        }
        this.#change ??= Promise.withResolvers();
        await this.#change.promise;
      }
    } finally {
      this.#isRead = false;
      this.#unread = [];
    }
  }

  #keep(event: ServerEvent, bytes: number): void {
    if (this.#end !== null || !this.#isRead) return;
    this.#unreadBytes += bytes;
    if (this.#unreadBytes > this.#maxUnreadBytes) {
      // What was read so far stays true; what comes next would have a hole.
      this.#overflow = new UnreadEventsError(this.#maxUnreadBytes);
      this.#isRead = false;
      this.#unread = [];
    } else {
      this.#unread.push({ event, bytes });
    }
    this.#wakeReader();
  }

  #wakeReader(): void {
    this.#change?.resolve();
    this.#change = null;
  }
}

/** The response that an event carries, if it does: only events of a whole response do. */
export function responseOf(event: ServerEvent): Response | null {
  if (!('response' in event)) return null;
  const { response } = event;
  const named = typeof response === 'object' && response !== null && 'id' in response;
  return named && typeof response.id === 'string' ? (response as Response) : null;
}
