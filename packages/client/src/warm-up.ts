/** A warm-up that no server is asked for. */
import type { Response, ServerEvent } from '@longwire/protocol';

/**
 * The events of a response that took its input in and said nothing. Over HTTP servers refuse `generate: false`, and there is
 * nothing to warm: what an unstored response was told is sent along with the next request anyway.
 */
export function createWarmUp(model: string | null, previousResponseId: string | null): ServerEvent[] {
  // What settings a server would have filled in, nobody knows here.
  const response = {
    id: `resp_local_${crypto.randomUUID()}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    model,
    output: [],
    previous_response_id: previousResponseId,
    store: false,
    usage: null,
  } as unknown as Response;
  return [
    { type: 'response.created', response, sequence_number: 0 },
    { type: 'response.in_progress', response, sequence_number: 1 },
    { type: 'response.completed', response: { ...response, status: 'completed' }, sequence_number: 2 },
  ];
}
