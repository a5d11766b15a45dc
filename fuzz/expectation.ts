/** What must come back for an input. */
import { parseCancel, parseFrame, parseSteer } from '@longwire/protocol';
import type { Input } from './inputs.ts';

/** The lane that owes one terminal event (null: the default lane), an answer to a steer, or nothing. */
export type Expectation =
  | { readonly kind: 'terminal'; readonly lane: string | null }
  | { readonly kind: 'steer' }
  | { readonly kind: 'nothing' };

const onDefaultLane: Expectation = { kind: 'terminal', lane: null };

/** What the frame is, by the protocol's own parsers: whether a create is good or bad, it owes one terminal event. */
export function expectationOf(input: Input): Expectation {
  if (typeof input !== 'string') return onDefaultLane;
  try {
    const { type, streamId, body } = parseFrame(input);
    switch (type) {
      case 'response.create':
        return { kind: 'terminal', lane: streamId };
      case 'response.steer':
        parseSteer(body);
        return { kind: 'steer' };
      case 'response.cancel':
        parseCancel(body);
        return { kind: 'nothing' };
      case 'response.processed':
        return { kind: 'nothing' };
      case 'response.inject':
        return onDefaultLane;
    }
  } catch {
    return onDefaultLane;
  }
}
