/** What a turn tells those who count (observe/turn-meter.ts). */
import type { Response } from '@longwire/protocol';
import type { TurnEnd, TurnTransport, TurnWatch } from '../observe/turn-meter.ts';
import type { Ending } from './sequencer.ts';
import type { Turn, TurnServices } from './turn.ts';

/** The turn begins to run. Null where nobody counts. */
export function watchTurn({ meter }: TurnServices, turn: Turn): TurnWatch | null {
  if (!meter) return null;
  const { route, request, origin } = turn;
  return meter.begin({
    engine: route.engine.name,
    model: route.model.id,
    transport: transportOf(turn),
    project: request.project,
    history: origin,
  });
}

/** The end of a turn that has a terminal event. */
export function toTurnEnd({ request }: Turn, ending: Ending, { usage }: Response): TurnEnd {
  switch (ending.status) {
    case 'completed':
      return { outcome: request.body.generate === false ? 'warmed' : 'completed', code: null, usage };
    case 'incomplete': {
      const { reason } = ending;
      return { outcome: reason === 'cancelled' || reason === 'steered' ? reason : 'incomplete', code: null, usage };
    }
    case 'failed':
      return { outcome: 'failed', code: ending.error.entry, usage: null };
  }
}

/** The end of one that nobody is left to read. */
export const abandoned: TurnEnd = { outcome: 'abandoned', code: null, usage: null };

function transportOf({ owner, request: { body, via } }: Turn): TurnTransport {
  if (owner !== null) return 'background';
  return via.transport === 'http' && body.stream === true ? 'sse' : via.transport;
}
