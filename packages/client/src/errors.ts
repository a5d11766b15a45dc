/** Everything that the client throws on its own account. */
import type { OutputItem, Response, ServerEvent } from '@longwire/protocol';

/** What the server said is wrong with one request: an `error` event or a `response.failed` (dossier J). */
export class ResponsesError extends Error {
  /** Such as `model_not_found`; null where the server gave none. */
  readonly code: string | null;
  /** What the HTTP status would have been; null where the server gave none, as in a `response.failed`. */
  readonly status: number | null;
  /** The field of the request that is wrong. */
  readonly param: string | null;
  /** How long the server asks to wait before trying again; null where it does not say. */
  readonly retryAfterMs: number | null;
  /** The failed response with the output that it had so far; null when the request was refused before there was one. */
  readonly response: Response | null;

  constructor(
    message: string,
    details: {
      readonly code: string | null;
      readonly status: number | null;
      readonly param: string | null;
      readonly retryAfterMs?: number | null;
      readonly response: Response | null;
    },
  ) {
    super(message);
    this.name = 'ResponsesError';
    this.code = details.code;
    this.status = details.status;
    this.param = details.param;
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.response = details.response;
  }
}

/** How a connection ended. */
export interface ConnectionLoss {
  /** Close code of the socket; 1006 when it broke without one, and when an HTTP answer broke off. */
  readonly code: number;
  readonly reason: string;
  /** What was said or known before it ended, such as `websocket_connection_limit_reached` or a time-out. */
  readonly cause: Error | null;
}

/** What is known of a turn whose end is not. */
export interface TurnProgress {
  /** Whether the request had left: if not, nothing can have happened yet. */
  readonly sent: boolean;
  /** Events of this turn that had arrived. Sent with none received is ambiguous: the server may have done the work. */
  readonly received: number;
  /** Null while no event had named the response. */
  readonly responseId: string | null;
  /** Output items that had come whole, in order. A tool call among them may have been run by whoever iterates the turn. */
  readonly items: readonly OutputItem[];
}

/**
 * The connection was lost before the turn ended, and sending the request again could have done its work twice. Whether trying
 * again is safe follows from what is known (dossier K). The lane goes on from the turn before.
 */
export class ConnectionLostError extends Error implements TurnProgress {
  readonly code: number;
  readonly reason: string;
  readonly sent: boolean;
  readonly received: number;
  readonly responseId: string | null;
  readonly items: readonly OutputItem[];

  constructor({ code, reason, cause }: ConnectionLoss, progress: TurnProgress) {
    const why = reason === '' ? '' : `: ${reason}`;
    super(`The connection was lost (${code}${why}).`, cause === null ? undefined : { cause });
    this.name = 'ConnectionLostError';
    this.code = code;
    this.reason = reason;
    this.sent = progress.sent;
    this.received = progress.received;
    this.responseId = progress.responseId;
    this.items = progress.items;
  }
}

/** Which time limit of a turn was over. */
export type TurnLimit = 'firstEvent' | 'stall' | 'total';

/** The server was silent for too long, or the turn took too long in all. What is known of it is as for a lost connection. */
export class TurnTimeoutError extends Error implements TurnProgress {
  readonly limit: TurnLimit;
  readonly limitMs: number;
  readonly sent: boolean;
  readonly received: number;
  readonly responseId: string | null;
  readonly items: readonly OutputItem[];

  constructor(limit: TurnLimit, limitMs: number, progress: TurnProgress) {
    const what = {
      firstEvent: 'The first event of the turn did not come',
      stall: 'No further event of the turn came',
      total: 'The turn did not end',
    };
    super(`${what[limit]} within ${limitMs} ms.`);
    this.name = 'TurnTimeoutError';
    this.limit = limit;
    this.limitMs = limitMs;
    this.sent = progress.sent;
    this.received = progress.received;
    this.responseId = progress.responseId;
    this.items = progress.items;
  }
}

/** Nothing could be reached, or it wants other credentials; `cause` is what the server said over HTTP, if it said anything. */
export class ConnectError extends Error {
  constructor(message: string, cause: Error | null = null) {
    super(message, cause === null ? undefined : { cause });
    this.name = 'ConnectError';
  }
}

/** The server has lost a conversation that this client no longer remembers whole (`memory.maxBytes`), so nobody can go on. */
export class HistoryLostError extends Error {
  constructor(cause: Error | null) {
    super(
      'The server no longer has this conversation, and this client does not remember all of it: raise memory.maxBytes, give memory.spill, or begin anew with previous_response_id: null.',
      cause === null ? undefined : { cause },
    );
    this.name = 'HistoryLostError';
  }
}

/** The events of a turn were iterated too slowly: `maxUnreadBytes` of them waited. Its `response` is not affected. */
export class UnreadEventsError extends Error {
  constructor(maxUnreadBytes: number) {
    super(`More than ${maxUnreadBytes} bytes of events waited to be read (maxUnreadBytes).`);
    this.name = 'UnreadEventsError';
  }
}

/** The error that an event stands for; null for every other event. */
export function toResponsesError(event: ServerEvent): ResponsesError | null {
  if (event.type === 'response.failed') {
    const { code = null, message = 'The response failed.', param = null } = event.response.error ?? {};
    return new ResponsesError(message, { code, status: null, param: param ?? null, response: event.response });
  }
  if (event.type !== 'error') return null;
  const error = 'error' in event ? event.error : event;
  const status = 'status' in event ? (event.status ?? null) : null;
  const headers = 'headers' in error ? error.headers : 'headers' in event ? event.headers : undefined;
  return new ResponsesError(error.message, {
    code: error.code ?? null,
    status,
    param: error.param ?? null,
    retryAfterMs: toRetryAfterMs(headers),
    response: null,
  });
}

/** `retry-after` in seconds, or as a date (RFC 9110); null where there is none. */
function toRetryAfterMs(headers: unknown): number | null {
  if (typeof headers !== 'object' || headers === null) return null;
  const entry = Object.entries(headers).find(([name]) => name.toLowerCase() === 'retry-after');
  if (entry === undefined) return null;
  const value = String(entry[1]).trim();
  const waitMs = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : null;
}
