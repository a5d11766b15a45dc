/** What a turn tells those who count (observe/turn-meter.ts). */
import { createUsage, type Response } from '@longwire/protocol';
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
export function toTurnEnd({ request, compaction }: Turn, ending: Ending, settled: Response): TurnEnd {
  const summary = compaction?.result?.usage ?? null;
  const counted = {
    // A turn that does nothing but compact tells the summary's count as its own.
    usage: ending.status !== 'failed' && ending.usage === summary ? null : settled.usage,
    summaryUsage: summary && createUsage(summary),
  };
  switch (ending.status) {
    case 'completed':
      return { outcome: request.body.generate === false ? 'warmed' : 'completed', code: null, ...counted };
    case 'incomplete': {
      const { reason } = ending;
      return {
        outcome: reason === 'cancelled' || reason === 'steered' ? reason : 'incomplete',
        code: null,
        ...counted,
      };
    }
    case 'failed':
      return { outcome: 'failed', code: ending.error.entry, ...counted };
  }
}

/** The end of one that nobody is left to read. */
export const abandoned: TurnEnd = { outcome: 'abandoned', code: null, usage: null, summaryUsage: null };

function transportOf({ owner, request: { body, via } }: Turn): TurnTransport {
  if (owner !== null) return 'background';
  return via.transport === 'http' && body.stream === true ? 'sse' : via.transport;
}
