/** One turn without a connection: what an HTTP request makes. The same path, another sink. */
import { ProtocolError, type CreateRequest, type Trace } from '@longwire/protocol';
import { resolveStoredNode } from '../chain/resolve.ts';
import type { Claim } from '../turn/keyed-turns.ts';
import { releaseNode } from '../turn/release.ts';
import { TurnRun, type TurnEvents, type TurnHandle } from '../turn/runner.ts';
import { openTurn, type Turn, type TurnServices } from '../turn/turn.ts';
import { logFailure, withhold, withoutCause } from '../turn/withheld.ts';

/**
 * Opens a turn and returns its events; `signal` says that the client went away, `trace` whose trace the request is part of. Throws the
 * catalogue errors of `openTurn` and `resolveStoredNode`, and those of `KeyedTurns.claim`: then no event exists yet and the answer is an
 * HTTP error.
 */
export async function openExchange(
  services: TurnServices,
  project: string,
  body: CreateRequest,
  signal: AbortSignal,
  trace: Trace | null = null,
): Promise<TurnEvents> {
  const run = await openRun(services, project, body, trace);
  if (signal.aborted) run.abort();
  else signal.addEventListener('abort', () => run.abort(), { once: true });
  return events();

  async function* events(): TurnEvents {
    const node = yield* run.events();
    // Nothing can continue from a response that was not stored: its context goes at once.
    if (node) releaseNode(services, node);
    return node;
  }
}

async function openRun(
  services: TurnServices,
  project: string,
  body: CreateRequest,
  trace: Trace | null,
): Promise<TurnHandle> {
  const claim: Claim | null = services.keyed.covers(body) ? await services.keyed.claim(project, body) : null;
  if (claim?.seat) return claim.seat;
  try {
    const run = new TurnRun(services, await openHttpTurn(services, project, body, trace));
    return claim ? claim.start(run) : run;
  } finally {
    claim?.release();
  }
}

async function openHttpTurn(
  services: TurnServices,
  project: string,
  body: CreateRequest,
  trace: Trace | null,
): Promise<Turn> {
  const via = { transport: 'http', connectionId: null, streamId: null } as const;
  try {
    const parentId = body.previous_response_id;
    const parent = parentId ? await resolveStoredNode(services, project, parentId) : null;
    return await openTurn(services, { body, parent, project, trace, via });
  } catch (thrown) {
    if (!(thrown instanceof ProtocolError)) throw withhold(thrown);
    if (thrown.cause === undefined) throw thrown;
    logFailure(services.log, thrown, { transport: 'http' });
    throw withoutCause(thrown);
  }
}
