/** One turn as the application sees it: events to iterate, a response to await. */
import type { OutputItem, Response, ServerEvent } from '@longwire/protocol';
import { ConnectionLostError, toResponsesError } from './errors.ts';
import type { ConnectionLoss } from './errors.ts';

/**
 * The events of one turn, up to and with its terminal event, and the response that they make. Iterate it once, await
 * `response`, or both. What nobody iterates is kept in memory until the turn has ended.
 *
 * An `error` event and a `response.failed` are yielded and then thrown as a `ResponsesError`; a socket that ends first is a
 * `ConnectionLostError`. A response with the status `incomplete` is no error.
 */
export interface TurnStream extends AsyncIterable<ServerEvent> {
  readonly response: Promise<Response>;
}

/** How a turn ended, for the lane that it ran on. */
export type TurnEnd = { readonly response: Response } | { readonly error: Error };

/** A turn that waits or runs: the lane feeds it, the application reads it. */
export class OpenTurn implements TurnStream {
  readonly response: Promise<Response>;
  readonly #settle: PromiseWithResolvers<Response>;
  readonly #signal: AbortSignal | null;
  readonly #onAbort = () => this.#finish({ error: toError(this.#signal?.reason) });
  readonly #unread: ServerEvent[] = [];
  readonly #doneItems: OutputItem[] = [];
  #wake: (() => void) | null = null;
  #end: TurnEnd | null = null;
  #reading = true;
  #sent = false;
  #received = 0;
  #responseId: string | null = null;

  constructor(signal: AbortSignal | null) {
    this.#settle = Promise.withResolvers();
    this.response = this.#settle.promise;
    // Whoever only iterates meets the error there: it must not be an unhandled rejection as well.
    this.response.catch(() => {});
    this.#signal = signal;
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Known once the first event came. */
  get responseId(): string | null {
    return this.#responseId;
  }

  /** Whether the application waits for nothing any more: it has the end, or has aborted. */
  get settled(): boolean {
    return this.#end !== null;
  }

  /** The request has left. */
  markSent(): void {
    this.#sent = true;
  }

  /** The next event of this turn. Returns how the turn ended when this was its terminal event. */
  push(event: ServerEvent): TurnEnd | null {
    this.#received += 1;
    if (this.#responseId === null) this.#responseId = responseOf(event)?.id ?? null;
    if (event.type === 'response.output_item.done') this.#doneItems[event.output_index] = event.item;
    if (this.#end === null && this.#reading) this.#unread.push(event);
    const end = this.#endOf(event);
    if (end) this.#finish(end);
    else this.#wakeReader();
    return end;
  }

  /** The turn ends without a terminal event. */
  fail(error: Error): void {
    this.#finish({ error });
  }

  /** The socket is gone. */
  lose(loss: ConnectionLoss): void {
    this.fail(new ConnectionLostError(loss, { sent: this.#sent, received: this.#received }));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ServerEvent, void, undefined> {
    try {
      for (;;) {
        const events = this.#unread.splice(0);
        yield* events;
        if (events.length > 0) continue;
        if (this.#end) {
          if ('error' in this.#end) throw this.#end.error;
          return;
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.#reading = false;
      this.#unread.length = 0;
    }
  }

  #endOf(event: ServerEvent): TurnEnd | null {
    const error = toResponsesError(event);
    if (error) return { error };
    if (event.type !== 'response.completed' && event.type !== 'response.incomplete') return null;
    // Some servers leave out what they have already sent item by item (dossier C.1, rule 8).
    const { output = this.#doneItems } = event.response as Partial<Response>;
    return { response: { ...event.response, output } };
  }

  #finish(end: TurnEnd): void {
    if (this.#end) return;
    this.#end = end;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    if ('error' in end) this.#settle.reject(end.error);
    else this.#settle.resolve(end.response);
    this.#wakeReader();
  }

  #wakeReader(): void {
    this.#wake?.();
    this.#wake = null;
  }
}

/** The response that an event carries, if it does: only events of a whole response do. */
export function responseOf(event: ServerEvent): Response | null {
  if (!('response' in event)) return null;
  const { response } = event;
  const named = typeof response === 'object' && response !== null && 'id' in response;
  return named && typeof response.id === 'string' ? (response as Response) : null;
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The turn was aborted.', { cause: reason });
}
