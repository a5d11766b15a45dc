/**
 * Steering of one response, as a pure state machine (dossier F; PROTOCOL.md, "Steering").
 *
 * open:    the response runs and takes steers; each interrupts it.
 * waiting: it has completed with calls that the client must answer; queued steers go in front of that answer.
 * closed:  it takes no more steers.
 */
import type { Item, SteerErrorCode, SteerInput, SteerRequiredInput } from '@longwire/protocol';
import type { OpenCalls } from '../chain/tool-calls.ts';

/** A steer that the server owns. */
export interface Submission {
  /** `steer_…` */
  readonly id: string;
  /** As the client sent it: a failure gives it back. */
  readonly input: SteerInput;
  readonly items: readonly Item[];
}

/** Where the steering of one response stands. */
export type Steering =
  | { readonly phase: 'open'; readonly queued: readonly Submission[] }
  | {
      readonly phase: 'waiting';
      readonly queued: readonly Submission[];
      readonly required: readonly SteerRequiredInput[];
    }
  | { readonly phase: 'closed'; readonly why: 'completed' | 'stopped' };

/** What happens to it. */
export type SteeringInput =
  /** `answered`: the request that answers the response's calls is here already. */
  | { readonly type: 'submit'; readonly submission: Submission; readonly answered: boolean }
  /** The response has ended. */
  | {
      readonly type: 'ended';
      readonly status: 'finished' | 'failed' | 'cancelled';
      readonly required: readonly SteerRequiredInput[];
      readonly answered: boolean;
    }
  /** The client's request that continues the response begins. */
  | { readonly type: 'resumed' }
  /** The lane went another way. */
  | { readonly type: 'abandoned' };

/** What must be done about it, in order. */
export type SteeringEffect =
  | { readonly type: 'accept'; readonly submission: Submission }
  | { readonly type: 'interrupt' }
  | {
      readonly type: 'pending';
      readonly submission: Submission;
      readonly required: readonly SteerRequiredInput[];
    }
  | {
      readonly type: 'fail';
      readonly submission: Submission;
      readonly code: SteerErrorCode;
      readonly accepted: boolean;
    }
  /** Start the successor, with this input. */
  | { readonly type: 'succeed'; readonly submissions: readonly Submission[] }
  /** Put this in front of the continuing request's input. */
  | { readonly type: 'prepend'; readonly submissions: readonly Submission[] };

/** A response that has just been created. */
export const openSteering: Steering = { phase: 'open', queued: [] };

interface Step {
  readonly state: Steering;
  readonly effects: readonly SteeringEffect[];
}

/** One step. `maxQueued`: how many steers of one response may wait. */
export function stepSteering(state: Steering, input: SteeringInput, maxQueued: number): Step {
  switch (input.type) {
    case 'submit':
      return submit(state, input, maxQueued);
    case 'ended':
      return end(state, input);
    case 'resumed':
      if (state.phase !== 'waiting') return { state, effects: [] };
      return {
        state: { phase: 'closed', why: 'completed' },
        effects: state.queued.length > 0 ? [{ type: 'prepend', submissions: state.queued }] : [],
      };
    case 'abandoned':
      if (state.phase === 'closed') return { state, effects: [] };
      return {
        state: { phase: 'closed', why: 'completed' },
        effects: failAll(state.queued, 'successor_creation_failed'),
      };
  }
}

function submit(state: Steering, input: SteeringInput & { type: 'submit' }, maxQueued: number): Step {
  const { submission, answered } = input;
  if (state.phase === 'closed') {
    const code = state.why === 'completed' ? 'response_already_completed' : 'response_not_active';
    return { state, effects: [{ type: 'fail', submission, code, accepted: false }] };
  }
  if (state.queued.length >= maxQueued) {
    return { state, effects: [{ type: 'fail', submission, code: 'too_many_pending_steers', accepted: false }] };
  }
  const next = { ...state, queued: [...state.queued, submission] };
  const accept: SteeringEffect = { type: 'accept', submission };
  if (state.phase === 'open') return { state: next, effects: [accept, { type: 'interrupt' }] };
  const pending: SteeringEffect = { type: 'pending', submission, required: state.required };
  return { state: next, effects: answered ? [accept] : [accept, pending] };
}

function end(state: Steering, input: SteeringInput & { type: 'ended' }): Step {
  if (state.phase !== 'open') return { state, effects: [] };
  const { queued } = state;
  if (input.status !== 'finished') {
    return { state: { phase: 'closed', why: 'stopped' }, effects: failAll(queued, 'response_not_active') };
  }
  const { required, answered } = input;
  if (required.length > 0) {
    const pending = queued.map((submission): SteeringEffect => ({ type: 'pending', submission, required }));
    return { state: { phase: 'waiting', queued, required }, effects: answered ? [] : pending };
  }
  return {
    state: { phase: 'closed', why: 'completed' },
    effects: queued.length > 0 ? [{ type: 'succeed', submissions: queued }] : [],
  };
}

function failAll(queued: readonly Submission[], code: SteerErrorCode): SteeringEffect[] {
  return queued.map((submission) => ({ type: 'fail', submission, code, accepted: true }));
}

const messages: Readonly<Record<string, string>> = {
  response_not_found: 'The response to steer is not available on this connection.',
  steering_not_supported: 'A response of a conversation, or with automatic compaction, cannot be steered.',
  too_many_pending_steers: 'Too many steers are waiting. Return the required input, or wait for the next response.',
  response_already_completed: 'The response has already completed. Send the input with a new response.create.',
  response_not_active: 'The response does not take input any more.',
  successor_creation_failed: 'The response that would have taken this input could not be created.',
};

/** The text of a failure. */
export function steerMessage(code: SteerErrorCode): string {
  return messages[code] ?? 'The steer was not accepted.';
}

/** What the client owes before a queued steer can be applied: a stub for each open call, identifying fields only. */
export function toRequiredInput(openCalls: OpenCalls): SteerRequiredInput[] {
  const required: SteerRequiredInput[] = [];
  for (const { id, type, name, async } of openCalls) {
    if (async) continue;
    switch (type) {
      case 'function_call':
        required.push({ type: 'function_call_output', call_id: id, name: name ?? '' });
        break;
      case 'tool_search_call':
        required.push({ type: 'tool_search_output', call_id: id, execution: 'client' });
        break;
      case 'mcp_approval_request':
        required.push({ type: 'mcp_approval_response', approval_request_id: id });
        break;
      case 'custom_tool_call':
      case 'computer_call':
      case 'shell_call':
      case 'apply_patch_call':
        required.push({ type: `${type}_output`, call_id: id });
        break;
      default:
    }
  }
  return required;
}
