/** Background responses whose process is gone: ended clearly, so that nobody waits for them (dossier L.4). */
import { errors, ResponseFold, toResponseError, type KnownEvent, type Response } from '@longwire/protocol';
import type { ResponseKey, Store } from '../store/store.ts';

/** How an orphan ends: nobody can go on with what an engine had begun. */
export type OrphanEnd = 'failed' | 'cancelled';

/**
 * Ends a response whose lease this owner has taken over, in the store and for its readers, behind what was sent already.
 * Returns the response; null when it was deleted meanwhile. Doing it again after a crash in the middle is right.
 */
export async function endOrphan(
  store: Store,
  key: ResponseKey,
  owner: string,
  end: OrphanEnd,
): Promise<Response | null> {
  const stored = await store.get(key.project, key.id);
  if (!stored) return null;
  const events = await readEvents(store, key);
  const response = isOver(stored.response) ? stored.response : settle(stored.response, events, end);
  if (response !== stored.response) await store.put({ ...stored, response }, { owner });
  const last = events.at(-1);
  await store.endLease(key, owner, last && !isTerminal(last) ? [terminalEvent(response, last)] : []);
  return response;
}

/** Whether nothing more happens to the response. */
export function isOver({ status }: Pick<Response, 'status'>): boolean {
  return status !== 'queued' && status !== 'in_progress';
}

/** What its events have told, and how it ended. */
function settle(begun: Response, events: readonly KnownEvent[], end: OrphanEnd): Response {
  const fold = new ResponseFold();
  for (const event of events) fold.apply(event);
  const response = { ...(fold.response ?? begun), status: end };
  if (end === 'cancelled') return response;
  return { ...response, error: toResponseError(errors.backgroundInterrupted()) };
}

async function readEvents(store: Store, key: ResponseKey): Promise<readonly KnownEvent[]> {
  const all: KnownEvent[] = [];
  for (;;) {
    const events = await store.events(key, all.at(-1)?.sequence_number ?? -1);
    if (events.length === 0) return all;
    all.push(...events);
  }
}

function terminalEvent(response: Response, { sequence_number = 0 }: KnownEvent): KnownEvent {
  const status = response.status === 'completed' || response.status === 'failed' ? response.status : 'incomplete';
  return { type: `response.${status}`, response, sequence_number: sequence_number + 1 };
}

/** Whether the event is the last of its response. */
export function isTerminal({ type }: KnownEvent): boolean {
  return type === 'response.completed' || type === 'response.incomplete' || type === 'response.failed';
}
