/** Every event that a server sends (dossier C.3), and how a client reads one. */
import { createChecker, type Checker } from './check.ts';
import { errors } from './errors.ts';
import { parseJsonObject } from './json.ts';
import type { ObjectSchema, Opaque, Schema, Static } from './schema.ts';
import * as calls from './server-events/calls.ts';
import { FlatErrorEvent, NestedErrorEvent } from './server-events/error.ts';
import * as hostedTools from './server-events/hosted-tools.ts';
import * as lifecycle from './server-events/lifecycle.ts';
import * as output from './server-events/output.ts';
import * as reasoning from './server-events/reasoning.ts';
import * as steering from './server-events/steering.ts';
import * as text from './server-events/text.ts';

type EventsOf<Family> = {
  [Name in keyof Family]: Name extends `${string}Event`
    ? Family[Name] extends Schema
      ? Static<Family[Name]>
      : never
    : never;
}[keyof Family];

/** An event of a type that we do not know, as it came: other servers and later versions send such. */
export type OpaqueEvent = Opaque & { sequence_number?: number; stream_id?: string };

/** An event of a known type. */
export type KnownEvent =
  | EventsOf<typeof lifecycle>
  | EventsOf<typeof output>
  | EventsOf<typeof text>
  | EventsOf<typeof reasoning>
  | EventsOf<typeof calls>
  | EventsOf<typeof hostedTools>
  | EventsOf<typeof steering>
  | NestedErrorEvent
  | FlatErrorEvent;

/** Anything that a server sends. */
export type ServerEvent = KnownEvent | OpaqueEvent;

/** Types of the events that we know. */
export type ServerEventType = KnownEvent['type'];

/** The last event of a response; exactly one comes (dossier C.1, rule 5). */
export type TerminalEvent = Extract<
  KnownEvent,
  { type: 'response.completed' | 'response.incomplete' | 'response.failed' | 'error' }
>;

type EventSchema = ObjectSchema<{ type: Schema<string> }>;

function isEventSchema(schema: Schema): schema is EventSchema {
  return schema.properties?.['sequence_number'] !== undefined;
}

/** Schemas of all events but `error`, which has two, by their type. */
export const eventSchemas: ReadonlyMap<string, EventSchema> = new Map(
  [lifecycle, output, text, reasoning, calls, hostedTools, steering]
    .flatMap((family) => Object.values<Schema>({ ...family }).filter(isEventSchema))
    .map((schema) => [schema.properties.type.const ?? '', schema]),
);

const checkers: ReadonlyMap<string, Checker<unknown>> = new Map(
  [...eventSchemas].map(([type, schema]) => [type, createChecker(schema)]),
);

const nestedError = createChecker(NestedErrorEvent);
const flatError = createChecker(FlatErrorEvent);

/**
 * Parses one event, for clients. Events of unknown types are returned as they came. Of responses and items only the frame is
 * checked: `response.id` and `item.type`.
 *
 * Throws `invalid_json` or `missing_event_type` for what is no event, and `missing_required_parameter`, `invalid_type` or
 * `invalid_value` for a known type of the wrong shape.
 */
export function parseServerEvent(json: string): ServerEvent {
  const event = parseJsonObject(json);
  const { type } = event;
  if (typeof type !== 'string') throw errors.missingEventType();
  if (type === 'error') ('error' in event ? nestedError : flatError).parse(event);
  else checkers.get(type)?.parse(event);
  return event as unknown as ServerEvent;
}
