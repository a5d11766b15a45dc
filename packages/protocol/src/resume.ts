/** A connection that outlives its socket: Longwire's own extension (PROTOCOL.md 11.1). Nothing of it is sent unasked. */
import { createChecker } from './check.ts';
import { errors } from './errors.ts';
import { type Static, Type } from './schema.ts';

/** Header of the upgrade that asks for a resumable connection: `new`, or `TOKEN:N`. */
export const resumeHeader = 'longwire-resume';

/** The same as a query parameter, for browsers, which cannot set headers. */
export const resumeParameter = 'longwire_resume';

/** What a client asks for at the upgrade. */
export interface ResumeRequest {
  /** Of the connection to go on with; null asks for a new one. */
  readonly token: string | null;
  /** The highest ordinal that the client has received. */
  readonly received: number;
}

/** Parses the value of the header or of the parameter. Throws `invalid_value` for anything but the two forms. */
export function parseResumeRequest(value: string): ResumeRequest {
  if (value === 'new') return { token: null, received: 0 };
  const [, token, received] = /^([A-Za-z0-9_-]{43,256}):(0|[1-9]\d{0,14})$/.exec(value) ?? [];
  if (token === undefined) throw errors.invalidValue('Longwire-Resume', "expected 'new' or 'TOKEN:N'.");
  return { token, received: Number(received) };
}

/** The first frame of a socket that asked. It has no ordinal of its own. */
export interface ConnectionEvent {
  type: 'longwire:connection';
  /** Opaque, 256 bits, base64url. Whoever has it, and a key of the same name, has the connection. */
  token: string;
  /** Whether this socket goes on with the connection whose token it brought. False: everything begins anew. */
  resumed: boolean;
  /** The highest ordinal that has come from the client: what is behind it must be sent again. */
  received: number;
  /** For how long a connection waits for its next socket, in milliseconds. */
  grace_ms: number;
  /** Whether idempotency keys are honoured (PROTOCOL.md 11.2). */
  idempotency: boolean;
}

/** The client has every server frame up to this ordinal: they need not be kept. It has no ordinal of its own. */
export const AckEvent = Type.Object({
  type: Type.Literal('longwire:ack'),
  received: Type.Integer({ minimum: 0 }),
});
export type AckEvent = Static<typeof AckEvent>;

const ackChecker = createChecker(AckEvent);

/** Parses a `longwire:ack`; the ordinal. Throws `missing_required_parameter`, `invalid_type` or `invalid_value`. */
export function parseAck(body: Record<string, unknown>): number {
  return ackChecker.parse(body).received;
}

/** The field that numbers the frames of a resumable connection, in each direction from 1. */
export const ordinalField = 'longwire_seq';

const ordinalChecker = createChecker(Type.Object({ [ordinalField]: Type.Integer({ minimum: 1 }) }));

/** Takes the ordinal off a frame of a client. Throws `missing_required_parameter`, `invalid_type` or `invalid_value`. */
export function takeOrdinal(body: Record<string, unknown>): number {
  const ordinal = ordinalChecker.parse(body)[ordinalField];
  delete body[ordinalField];
  return ordinal;
}
