/** Everything that the client throws on its own account. */
import type { Response, ServerEvent } from '@longwire/protocol';

/** What the server said is wrong with one request: an `error` event or a `response.failed` (dossier J). */
export class ResponsesError extends Error {
  /** Such as `model_not_found`; null where the server gave none. */
  readonly code: string | null;
  /** What the HTTP status would have been; null where the server gave none, as in a `response.failed`. */
  readonly status: number | null;
  /** The field of the request that is wrong. */
  readonly param: string | null;
  /** The failed response with the output that it had so far; null when the request was refused before there was one. */
  readonly response: Response | null;

  constructor(
    message: string,
    details: {
      readonly code: string | null;
      readonly status: number | null;
      readonly param: string | null;
      readonly response: Response | null;
    },
  ) {
    super(message);
    this.name = 'ResponsesError';
    this.code = details.code;
    this.status = details.status;
    this.param = details.param;
    this.response = details.response;
  }
}

/** How a socket ended. */
export interface ConnectionLoss {
  /** Close code of the socket; 1006 when it broke without one. */
  readonly code: number;
  readonly reason: string;
  /** What the server said before it closed, such as `websocket_connection_limit_reached`. */
  readonly cause: ResponsesError | null;
}

/** The socket ended before the turn did. Whether trying again is safe follows from `sent` and `received` (dossier K). */
export class ConnectionLostError extends Error {
  readonly code: number;
  readonly reason: string;
  /** Whether the request had left: if not, nothing can have happened yet. */
  readonly sent: boolean;
  /** Events of this turn that had arrived. Sent with none received is ambiguous: the server may have done the work. */
  readonly received: number;

  constructor(
    { code, reason, cause }: ConnectionLoss,
    progress: { readonly sent: boolean; readonly received: number },
  ) {
    const why = reason === '' ? '' : `: ${reason}`;
    super(`The connection was lost (${code}${why}).`, cause === null ? undefined : { cause });
    this.name = 'ConnectionLostError';
    this.code = code;
    this.reason = reason;
    this.sent = progress.sent;
    this.received = progress.received;
  }
}

/** The socket never opened. The WebSocket interface hides why: ask over HTTP, at the same base URL, to find out. */
export class ConnectError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConnectError';
  }
}

/** The error that an event stands for; null for every other event. */
export function toResponsesError(event: ServerEvent): ResponsesError | null {
  if (event.type === 'response.failed') {
    const { code = null, message = 'The response failed.', param = null } = event.response.error ?? {};
    return new ResponsesError(message, { code, status: null, param: param ?? null, response: event.response });
  }
  if (event.type !== 'error') return null;
  const { code, message, param } = 'error' in event ? event.error : event;
  const status = 'status' in event ? (event.status ?? null) : null;
  return new ResponsesError(message, { code, status, param, response: null });
}
