/** What a client sends, parsed: the frame, then the envelope, then each tool and each item by its own checker (dossier B). */
import { createChecker } from './check.ts';
import {
  type ClientEventType,
  type CreateBody,
  type CreateRequest,
  CreateSettings,
  ResponseCancelEvent,
  type ResponseCreateEvent,
  ResponseInjectEvent,
} from './client-events.ts';
import { errors } from './errors.ts';
import { parseInput } from './items/parse.ts';
import { parseJsonObjectOfAnyDepth, requireShallow } from './json.ts';
import { extend, Type } from './schema.ts';
import { checkTools } from './tools/registry.ts';

/** A frame of a client, parsed once: its event type, the lane that it names, and the whole object. */
export interface ClientFrame {
  readonly type: ClientEventType;
  /** The lane, null for the default one. */
  readonly streamId: string | null;
  readonly body: Record<string, unknown>;
}

/** How a create came. */
export type RequestTransport = 'websocket' | 'http';

const eventTypes: ReadonlySet<string> = new Set<ClientEventType>([
  'response.create',
  'response.steer',
  'response.inject',
  'response.cancel',
  'response.processed',
]);

/**
 * Parses one text frame. Only `response.create` may name a lane; in other events `stream_id` is a field like any other.
 *
 * Throws `invalid_json`, `missing_event_type`, `unknown_event_type` or `invalid_stream_id`.
 */
export function parseFrame(text: string): ClientFrame {
  return toClientFrame(parseJsonObjectOfAnyDepth(text));
}

/** A frame whose JSON was parsed already. Throws what `parseFrame` throws, but for `invalid_json`. */
export function toClientFrame(body: Record<string, unknown>): ClientFrame {
  requireShallow(body);
  const { type } = body;
  if (typeof type !== 'string') throw errors.missingEventType();
  if (!isEventType(type)) throw errors.unknownEventType(type);
  return { type, streamId: type === 'response.create' ? parseStreamId(body['stream_id']) : null, body };
}

function isEventType(type: string): type is ClientEventType {
  return eventTypes.has(type);
}

function parseStreamId(value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value !== 'string' || !/^[A-Za-z0-9_.-]{1,256}$/.test(value)) throw errors.invalidStreamId();
  return value;
}

const envelopes = {
  /** `stream` has no meaning here, and clients that send it anyway are many: any value passes. */
  websocket: createChecker(CreateSettings),
  http: createChecker(extend(CreateSettings, { stream: Type.Maybe(Type.Boolean()) })),
};

/**
 * Parses a create: a frame's body, or that of a POST. O(body), and no error machinery runs for a valid one. Unknown fields survive;
 * items and tools are kept by reference. What belongs to the transport (`type`, `stream_id`, and `stream` of a socket) is left out.
 *
 * Throws `missing_required_parameter`, `invalid_type`, `invalid_value`, `unsupported_parameter` or `invalid_request`, each with
 * the exact place as `param` (`input[150].name`).
 */
export function parseCreateRequest(body: Record<string, unknown>, transport: RequestTransport): CreateRequest {
  // Frames were parsed by `parseFrame`, which looks at this already.
  if (transport === 'http') requireShallow(body);
  const checked: CreateBody = envelopes[transport].parse(body);
  checkTransport(body, transport);
  if (hasValue(checked.previous_response_id) && hasValue(checked.conversation)) {
    throw errors.invalidRequest("'previous_response_id' cannot be used together with 'conversation'.", 'conversation');
  }
  if (checked.tools) checkTools(checked.tools, 'tools');
  const { type: _type, stream_id: _streamId, stream, ...settings } = checked as Partial<ResponseCreateEvent>;
  const request = settings as CreateRequest;
  request.input = parseInput(body['input']);
  if (transport === 'http' && stream !== undefined) request.stream = stream;
  if (request.prompt_cache_options?.prewarm) request.generate = false;
  return request;
}

/** Refuses what the other transport alone carries. */
function checkTransport(body: Record<string, unknown>, transport: RequestTransport): void {
  if (transport === 'http' && body['stream_id'] !== undefined) {
    throw errors.unsupportedParameter('stream_id', 'is not supported over HTTP.');
  }
  if (transport === 'websocket' && body['background'] === true) {
    throw errors.unsupportedParameter('background', 'is not supported over WebSocket.');
  }
}

function hasValue(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** A wish to stop a running response. */
export interface CancelRequest {
  readonly responseId: string;
}

const cancelChecker = createChecker(ResponseCancelEvent);

/** Parses the body of `response.cancel`. Throws `missing_required_parameter`, `invalid_type` or `invalid_value`. */
export function parseCancel(body: Record<string, unknown>): CancelRequest {
  return { responseId: cancelChecker.parse(body).response_id };
}

/** Items for an agent that waits inside a running response (dossier B.3). */
export interface InjectRequest {
  readonly responseId: string;
  readonly input: readonly Record<string, unknown>[];
}

const injectChecker = createChecker(ResponseInjectEvent);

/** Parses the body of `response.inject`. Throws `missing_required_parameter` or `invalid_type`. */
export function parseInject(body: Record<string, unknown>): InjectRequest {
  const { response_id, input } = injectChecker.parse(body);
  return { responseId: response_id, input };
}
