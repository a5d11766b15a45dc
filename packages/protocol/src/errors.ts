/**
 * The error catalogue: every error that Longwire sends, with its exact text (PROTOCOL.md, "Errors"; dossier section J).
 *
 * An error leaves by one of three doors: an HTTP body, an `error` event, or `response.failed`.
 */

/** What the catalogue says of one error. */
export interface ErrorEntry {
  /** HTTP status, also sent as `status` of an `error` event. */
  readonly status: number;
  /** Wire `error.type`. */
  readonly type: string;
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean;
}

/** Body of `error` on every transport (dossier J.1). */
export interface ErrorBody {
  type: string;
  code: string | null;
  message: string;
  param: string | null;
}

interface ErrorDetails {
  readonly message: string;
  readonly param?: string | null;
  /** Milliseconds after which a retry makes sense; becomes `retry-after` (seconds, rounded up). */
  readonly retryAfterMs?: number;
  /** What went wrong underneath. Logged, never sent. */
  readonly cause?: unknown;
}

const invalid = { status: 400, type: 'invalid_request_error', retryable: false } as const;

/** Wire code -> status, type and retryability. */
export const catalogue = {
  invalid_request: invalid,
  invalid_json: invalid,
  missing_required_parameter: invalid,
  invalid_type: invalid,
  invalid_value: invalid,
  unsupported_parameter: invalid,
  unsupported_value: invalid,
  missing_event_type: invalid,
  unknown_event_type: invalid,
  binary_frame: invalid,
  websocket_message_too_large: { ...invalid, status: 413 },
  previous_response_not_found: invalid,
  invalid_stream_id: invalid,
  websocket_stream_limit_reached: invalid,
  websocket_connection_limit_reached: { ...invalid, retryable: true },
  websocket_queue_limit_reached: { status: 503, type: 'service_unavailable_error', retryable: true },
  websocket_disabled: { ...invalid, status: 426 },
  upgrade_required: { ...invalid, status: 426 },
  origin_not_allowed: { ...invalid, status: 403 },
  invalid_api_key: { ...invalid, status: 401 },
  model_not_found: { ...invalid, status: 404 },
  response_not_found: { ...invalid, status: 404 },
  item_not_found: { ...invalid, status: 404 },
  conversation_not_found: { ...invalid, status: 404 },
  conversation_locked: { ...invalid, retryable: true },
  idempotency_key_reused: invalid,
  idempotency_replay_unavailable: { ...invalid, status: 409 },
  unsupported_media_type: { ...invalid, status: 415 },
  unknown_url: { ...invalid, status: 404 },
  method_not_allowed: { ...invalid, status: 405 },
  invalid_encrypted_content: invalid,
  context_length_exceeded: invalid,
  invalid_prompt: invalid,
  rate_limit_exceeded: { status: 429, type: 'rate_limit_error', retryable: true },
  server_is_overloaded: { status: 503, type: 'service_unavailable_error', retryable: true },
  server_is_draining: { status: 503, type: 'service_unavailable_error', retryable: true },
  engine_unavailable: { status: 502, type: 'server_error', retryable: true },
  engine_timeout: { status: 504, type: 'server_error', retryable: true },
  store_unavailable: { status: 503, type: 'server_error', retryable: true },
  server_error: { status: 500, type: 'server_error', retryable: true },
} as const satisfies Record<string, ErrorEntry>;

/** Sent with a null code, as the real service does. */
const codeless: ReadonlySet<string> = new Set<ErrorCode>(['invalid_request', 'item_not_found']);

/** A name in the catalogue. */
export type ErrorCode = keyof typeof catalogue;

/** An error of the catalogue: the only kind that reaches a client as it is. */
export class ProtocolError extends Error {
  readonly entry: ErrorCode;
  readonly param: string | null;
  readonly retryAfterMs: number | null;

  constructor(entry: ErrorCode, details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'ProtocolError';
    this.entry = entry;
    this.param = details.param ?? null;
    this.retryAfterMs = details.retryAfterMs ?? null;
  }

  /** Wire `error.code`; null where the real service sends null. */
  get code(): string | null {
    return codeless.has(this.entry) ? null : this.entry;
  }

  get status(): number {
    return catalogue[this.entry].status;
  }

  get type(): string {
    return catalogue[this.entry].type;
  }

  get retryable(): boolean {
    return catalogue[this.entry].retryable;
  }
}

/** Where the key stands. */
const idempotencyParam = 'client_metadata.longwire_idempotency_key';

/** One constructor per error, so that a text stands in one place. */
export const errors = {
  invalidRequest: (message: string, param: string | null = null) =>
    new ProtocolError('invalid_request', { message, param }),
  invalidJson: () =>
    new ProtocolError('invalid_json', { message: 'We could not parse the JSON body of your request.' }),
  missing: (param: string) =>
    new ProtocolError('missing_required_parameter', { message: `Missing required parameter: '${param}'.`, param }),
  invalidType: (param: string, expected: string, got: string) =>
    new ProtocolError('invalid_type', {
      message: `Invalid type for '${param}': expected ${expected}, but got ${got} instead.`,
      param,
    }),
  invalidValue: (param: string, message: string) =>
    new ProtocolError('invalid_value', { message: `Invalid value for '${param}': ${message}`, param }),
  unsupportedParameter: (param: string, why: string) =>
    new ProtocolError('unsupported_parameter', { message: `Unsupported parameter: '${param}' ${why}`, param }),
  unsupportedValue: (param: string, why: string) =>
    new ProtocolError('unsupported_value', { message: `Unsupported value: '${param}' ${why}`, param }),
  missingEventType: () =>
    new ProtocolError('missing_event_type', {
      message: "Every message needs a string 'type', such as 'response.create'.",
      param: 'type',
    }),
  unknownEventType: (type: string) =>
    new ProtocolError('unknown_event_type', {
      message: `Unknown event type '${type.slice(0, 64)}'. Supported types are 'response.create' and 'response.steer'.`,
      param: 'type',
    }),
  binaryFrame: () =>
    new ProtocolError('binary_frame', {
      message: 'Binary frames are not supported. Send each event as one JSON object in a text frame.',
    }),
  messageTooLarge: (limitBytes: number) =>
    new ProtocolError('websocket_message_too_large', {
      message: `The message exceeds the limit of ${limitBytes} bytes. Send less, or send it over HTTP.`,
    }),
  previousResponseNotFound: (id: string) =>
    new ProtocolError('previous_response_not_found', {
      message: `Previous response with id '${id}' not found.`,
      param: 'previous_response_id',
    }),
  invalidStreamId: () =>
    new ProtocolError('invalid_stream_id', {
      message:
        "The 'stream_id' field must be a non-empty string with at most 256 characters and may only contain letters, numbers, underscores, hyphens, and periods.",
      param: 'stream_id',
    }),
  streamLimitReached: (limit: number) =>
    new ProtocolError('websocket_stream_limit_reached', {
      message: `This WebSocket connection has reached its maximum number of distinct stream IDs (${limit}). Reuse an existing stream_id or open a new WebSocket connection.`,
      param: 'stream_id',
    }),
  connectionLimitReached: (minutes: number) =>
    new ProtocolError('websocket_connection_limit_reached', {
      message: `Responses websocket connection limit reached (${minutes} minutes). Create a new websocket connection to continue.`,
    }),
  queueLimitReached: (limit: number, retryAfterMs: number) =>
    new ProtocolError('websocket_queue_limit_reached', {
      message: `This WebSocket connection has ${limit} requests waiting already. Wait for one to finish and retry.`,
      retryAfterMs,
    }),
  websocketDisabled: () =>
    new ProtocolError('websocket_disabled', {
      message: 'WebSocket mode is switched off on this server. Use HTTP with server-sent events on the same path.',
    }),
  upgradeRequired: () =>
    new ProtocolError('upgrade_required', {
      message: 'GET on this path opens a WebSocket: send an upgrade request, or POST a response over HTTP.',
    }),
  originNotAllowed: () =>
    new ProtocolError('origin_not_allowed', { message: 'This Origin may not open a WebSocket to this server.' }),
  invalidApiKey: () =>
    new ProtocolError('invalid_api_key', {
      message: 'Incorrect API key provided. Send a key of this server as "Authorization: Bearer KEY".',
    }),
  modelNotFound: (model: string) =>
    new ProtocolError('model_not_found', {
      message: `The model '${model.slice(0, 128)}' does not exist or you do not have access to it.`,
      param: 'model',
    }),
  responseNotFound: (id: string) =>
    new ProtocolError('response_not_found', { message: `Response with id '${id}' not found.`, param: 'response_id' }),
  synchronousResponse: () =>
    new ProtocolError('invalid_request', { message: 'Cannot cancel a synchronous response.', param: 'response_id' }),
  notInBackground: () =>
    new ProtocolError('invalid_request', {
      message: 'This response cannot be streamed because it was not created with background=true.',
      param: 'stream',
    }),
  notStreamable: () =>
    new ProtocolError('invalid_request', {
      message:
        'This response cannot be streamed: it was not created with stream=true, or it ended too long ago. Retrieve it without stream.',
      param: 'stream',
    }),
  backgroundInterrupted: () =>
    new ProtocolError('server_error', {
      message: 'The server stopped while this response ran in the background. Send the request again.',
    }),
  itemNotFound: (id: string) =>
    new ProtocolError('item_not_found', {
      message: `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`,
      param: 'input',
    }),
  listedItemNotFound: (id: string, param: string) =>
    new ProtocolError('item_not_found', { message: `Item with id '${id}' not found.`, param }),
  conversationNotFound: (id: string) =>
    new ProtocolError('conversation_not_found', {
      message: `Conversation with id '${id}' not found.`,
      param: 'conversation',
    }),
  conversationLocked: () =>
    new ProtocolError('conversation_locked', {
      message: 'Another process is currently operating on this conversation. Please retry in a few seconds.',
      param: 'conversation',
      retryAfterMs: 1000,
    }),
  idempotencyKeyReused: () =>
    new ProtocolError('idempotency_key_reused', {
      message: 'This idempotency key was used with another request. Use a new key for a new request.',
      param: idempotencyParam,
    }),
  idempotencyReplayUnavailable: () =>
    new ProtocolError('idempotency_replay_unavailable', {
      message:
        'The request with this idempotency key was accepted before, but its events are not kept any more. It was not run again.',
      param: idempotencyParam,
    }),
  unknownUrl: (method: string, path: string) =>
    new ProtocolError('unknown_url', { message: `Unknown request URL: ${method} ${path}.` }),
  unsupportedMediaType: () =>
    new ProtocolError('unsupported_media_type', { message: 'Send the body as application/json.' }),
  methodNotAllowed: (method: string, path: string) =>
    new ProtocolError('method_not_allowed', { message: `Not allowed to ${method} on ${path}.` }),
  noToolCall: (callId: string, kind: string, param: string | null) =>
    new ProtocolError('invalid_request', {
      message: `No tool call found for ${kind} with call_id ${callId}.`,
      param: param ?? 'input',
    }),
  noToolOutput: (callId: string, kind: string) =>
    new ProtocolError('invalid_request', {
      message: `No tool output found for ${kind} ${callId}.`,
      param: 'input',
    }),
  contextLengthExceeded: (limitTokens: number, gotTokens: number) =>
    new ProtocolError('context_length_exceeded', {
      message: `This model's maximum context length is ${limitTokens} tokens, but the input has ${gotTokens} tokens. Shorten the input or compact the conversation.`,
      param: 'input',
    }),
  engineContextLengthExceeded: (message: string) =>
    new ProtocolError('context_length_exceeded', { message, param: 'input' }),
  invalidEncryptedContent: (param: string, why: string) =>
    new ProtocolError('invalid_encrypted_content', {
      message: `The encrypted content could not be opened: ${why}`,
      param,
    }),
  invalidPrompt: (message: string, cause?: unknown) => new ProtocolError('invalid_prompt', { message, cause }),
  rateLimitExceeded: (message: string, retryAfterMs: number) =>
    new ProtocolError('rate_limit_exceeded', { message, retryAfterMs }),
  serverIsOverloaded: (retryAfterMs: number) =>
    new ProtocolError('server_is_overloaded', {
      message: 'Our servers are currently overloaded. Please try again later.',
      retryAfterMs,
    }),
  serverIsDraining: (retryAfterMs: number) =>
    new ProtocolError('server_is_draining', {
      message: 'This server is shutting down. Connect again in a moment.',
      retryAfterMs,
    }),
  engineUnavailable: (message: string, cause?: unknown) => new ProtocolError('engine_unavailable', { message, cause }),
  engineTimeout: (message: string) => new ProtocolError('engine_timeout', { message }),
  storeUnavailable: (cause?: unknown) =>
    new ProtocolError('store_unavailable', {
      message: 'The response store is not available. Retry, or send store:false.',
      cause,
    }),
  serverError: (cause?: unknown, requestId?: string) =>
    new ProtocolError('server_error', {
      message: `The server had an error while processing your request.${requestId ? ` Request id: ${requestId}.` : ''}`,
      cause,
    }),
} as const;

/** Anything thrown, as an error of the catalogue: what is foreign becomes a `server_error` that keeps its cause for the log. */
export function toProtocolError(thrown: unknown, requestId?: string): ProtocolError {
  return thrown instanceof ProtocolError ? thrown : errors.serverError(thrown, requestId);
}

/** The `error` object as it stands in an HTTP body and in an `error` event. */
export function toErrorBody(error: ProtocolError): ErrorBody {
  return { type: error.type, code: error.code, message: error.message, param: error.param };
}

/** Headers that go with an error: `retry-after` in whole seconds, at least 1. Empty when there is nothing to say. */
export function toErrorHeaders(error: ProtocolError): Record<string, string> {
  return error.retryAfterMs === null
    ? {}
    : { 'retry-after': String(Math.max(1, Math.ceil(error.retryAfterMs / 1000))) };
}

/** The first door: the body of an HTTP error (dossier J.1). */
export function toHttpErrorBody(error: ProtocolError): { error: ErrorBody } {
  return { error: toErrorBody(error) };
}

/** An `error` event in the nested form with `status`, the only shape that every client understands (dossier J.1). */
export interface ErrorEvent {
  type: 'error';
  sequence_number: number;
  status: number;
  stream_id?: string;
  error: ErrorBody & { headers?: Record<string, string> };
  headers?: Record<string, string>;
}

/** The second door: an `error` event on a socket. `streamId` only where the error belongs to a named lane. */
export function toErrorEvent(error: ProtocolError, sequenceNumber: number, streamId?: string): ErrorEvent {
  const event: ErrorEvent = {
    type: 'error',
    sequence_number: sequenceNumber,
    status: error.status,
    error: toErrorBody(error),
  };
  if (error.retryAfterMs !== null) {
    const headers = toErrorHeaders(error);
    event.error.headers = headers;
    event.headers = headers;
  }
  if (streamId !== undefined) event.stream_id = streamId;
  return event;
}

/** The third door: `response.error` of a `response.failed`. */
export function toResponseError(error: ProtocolError): {
  code: string;
  message: string;
  param?: string;
  type?: string;
} {
  return { code: error.code ?? 'invalid_prompt', message: error.message };
}
