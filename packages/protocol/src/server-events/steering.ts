/** Answers to `response.steer` and `response.inject` (dossier F, Q.1). */
import type { SteerInput } from '../client-events.ts';
import { AnyObject, type Static, Type } from '../schema.ts';
import { event } from './event.ts';

/** Why a steer was refused. */
export const SteerErrorCode = Type.Open([
  'response_not_found',
  'invalid_input',
  'steering_not_supported',
  'too_many_pending_steers',
  'response_already_completed',
  'response_not_active',
  'successor_creation_failed',
]);
export type SteerErrorCode = Static<typeof SteerErrorCode>;

const Steer = Type.Object({ id: Type.String(), previous_response_id: Type.String() });

export const SteerAcceptedEvent = event('response.steer.accepted', { steer: Steer });
export type SteerAcceptedEvent = Static<typeof SteerAcceptedEvent>;

function byCallId<const T extends string>(type: T) {
  return Type.Object({ type: Type.Literal(type), call_id: Type.String() });
}

/** What the client still owes before a steer can be applied: the identifying fields only. */
export const SteerRequiredInput = Type.Union([
  Type.Object({ type: Type.Literal('function_call_output'), call_id: Type.String(), name: Type.String() }),
  byCallId('custom_tool_call_output'),
  byCallId('computer_call_output'),
  byCallId('shell_call_output'),
  byCallId('apply_patch_call_output'),
  Type.Object({
    type: Type.Literal('tool_search_output'),
    call_id: Type.String(),
    execution: Type.Literal('client'),
  }),
  Type.Object({ type: Type.Literal('mcp_approval_response'), approval_request_id: Type.String() }),
]);
export type SteerRequiredInput = Static<typeof SteerRequiredInput>;

export const SteerPendingEvent = event('response.steer.pending', {
  reason: Type.Open(['waiting_for_required_input']),
  required_input: Type.Array(SteerRequiredInput),
  steer: Steer,
});
export type SteerPendingEvent = Static<typeof SteerPendingEvent>;

/** Gives back the input; `steer.id` only where the steer had been accepted before. */
export const SteerFailedEvent = event('response.steer.failed', {
  error: Type.Object({ type: Type.Literal('invalid_request_error'), code: SteerErrorCode, message: Type.String() }),
  steer: Type.Object({
    id: Type.Optional(Type.String()),
    previous_response_id: Type.String(),
    input: Type.Unsafe<SteerInput>(Type.Unknown()),
  }),
});
export type SteerFailedEvent = Static<typeof SteerFailedEvent>;

export const InjectCreatedEvent = event('response.inject.created', { response_id: Type.String() });
export type InjectCreatedEvent = Static<typeof InjectCreatedEvent>;

export const InjectFailedEvent = event('response.inject.failed', {
  response_id: Type.String(),
  input: Type.Array(AnyObject),
  error: Type.Object({ code: Type.String(), message: Type.String() }),
});
export type InjectFailedEvent = Static<typeof InjectFailedEvent>;
