/**
 * Which events of a lane belong to the turn that runs on it. The others are of a request that came to the server twice, or come
 * late: they would be read as this turn's (dossier D, F, K).
 */
import type { ServerEvent } from '@longwire/protocol';
import { responseOf } from './turn-stream.ts';

/** What a turn that is with the server waits for. */
export interface AwaitedResponse {
  /** Whether nothing came since the request was sent. */
  readonly isWaiting: boolean;
  /** Null while no event has named the response. */
  readonly responseId: string | null;
  /** The response that has ended while steers of it are still to be answered: another one follows; null for none. */
  readonly endedId: string | null;
  /** What the request named as its parent; null for none. */
  readonly previousResponseId: string | null;
}

/** `begunAnew`: the server began a second response to what we had asked it to go on with. */
export type EventMatch = 'ours' | 'notOurs' | 'begunAnew';

/** Whether an event belongs to the turn. `hasEnded`: whether a response of this id has ended on the lane before. */
export function matchEvent(
  event: ServerEvent,
  { isWaiting, responseId, endedId, previousResponseId }: AwaitedResponse,
  hasEnded: (responseId: string) => boolean,
): EventMatch {
  if (event.type === 'error') return oursIf(endedId === null);
  const response = responseOf(event);
  // Events that name no response belong to the one that runs.
  if (response === null) return oursIf(responseId !== null && endedId === null);
  if (response.id === responseId) return oursIf(endedId === null);
  if (hasEnded(response.id)) return 'notOurs';
  const continued: unknown = response.previous_response_id;
  if (endedId !== null) return oursIf(continued === undefined || continued === null || continued === endedId);
  if (responseId !== null) return isWaiting ? 'begunAnew' : 'notOurs';
  // What tells of another parent, or of none, answers another request, such as one that came to the server twice.
  return oursIf(continued === undefined || continued === previousResponseId);
}

function oursIf(isOurs: boolean): EventMatch {
  return isOurs ? 'ours' : 'notOurs';
}
