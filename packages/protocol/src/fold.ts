/** Events -> Response: a reducer that the server, the client and the tests share (dossier C.2). */
import { errors } from './errors.ts';
import { FoldedOutput } from './folded-output.ts';
import type { Response } from './response.ts';
import type { ServerEvent } from './server-events.ts';

/**
 * Builds the response of one stream of events. Each event costs what it carries, never what came before it, and no object of an
 * event is changed or kept, but the settings that the response echoes.
 *
 * Streams may be sparse: without `added` events, and with a terminal event that leaves out `output` (dossier C.1, rule 8).
 */
export class ResponseFold {
  readonly #output = new FoldedOutput();
  #response: Response | null = null;
  #isTerminal = false;

  /** The response so far, the same object until the end of the stream; null before its first event. */
  get response(): Response | null {
    return this.#response;
  }

  /** Whether the last event has come. Later ones change nothing. */
  get isTerminal(): boolean {
    return this.#isTerminal;
  }

  /** Takes in one event. Throws `invalid_value` for one that contradicts those before it, such as text for a function call. */
  apply(event: ServerEvent): void {
    if (this.#isTerminal) return;
    switch (event.type) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        this.#assign(event.response);
        return;
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        this.#assign(event.response);
        this.#isTerminal = true;
        return;
      case 'error': {
        const { code, message } = 'error' in event ? event.error : event;
        if (this.#response) Object.assign(this.#response, { status: 'failed', error: { code, message } });
        this.#isTerminal = true;
        return;
      }
      default:
        this.#output.apply(event);
    }
  }

  /** Lays a response, maybe a sparse one, over what is known. An empty `output` says nothing: items are never taken back. */
  #assign(response: Response): void {
    const sent: Response['output'] | undefined = response.output;
    if (sent !== undefined && sent.length > 0) this.#output.replace(sent);
    this.#response = Object.assign(this.#response ?? {}, response, { output: this.#output.items }) as Response;
  }
}

/** The response that a whole stream amounts to. Throws `invalid_value` when `response.created` is missing. */
export function foldResponse(events: Iterable<ServerEvent>): Response {
  const fold = new ResponseFold();
  let isCreated = false;
  for (const event of events) {
    isCreated ||= event.type === 'response.created';
    fold.apply(event);
  }
  if (!isCreated || fold.response === null) throw errors.invalidValue('events', "expected a 'response.created'.");
  return fold.response;
}
