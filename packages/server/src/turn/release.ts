/** Letting go of what an engine prepared. */
import { toProtocolError } from '@longwire/protocol';
import type { ChainNode } from '../chain/node.ts';
import type { TurnServices } from './turn.ts';
import { logFailure } from './withheld.ts';

/** Lets the engine go of a node that nothing points at any more. Stored ones stay warm for whoever continues them. Never throws. */
export function releaseNode({ router, log }: Pick<TurnServices, 'router' | 'log'>, node: ChainNode): void {
  if (node.stored || !node.context) return;
  try {
    router.release(node.context.engine, node.context.context);
  } catch (thrown) {
    // A hint: whatever an engine makes of it, the turn is over and well.
    logFailure(log, toProtocolError(thrown), { responseId: node.id });
  }
}
