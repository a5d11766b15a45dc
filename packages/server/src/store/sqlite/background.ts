/** Leases and events of background responses in SQL. */
import type { KnownEvent } from '@longwire/protocol';
import type { BackgroundStore, ResponseKey } from '../store.ts';
import { decodeJson, read, requiredStep, step, write } from './executor.ts';
import type { Executor } from './executor.ts';
import type { Step } from './messages.ts';
import { putSteps } from './responses.ts';

/** The part of the store that keeps what runs without a client. `now`: Unix milliseconds. */
export function createBackgroundStore(executor: Executor, now: () => number): BackgroundStore {
  /** One row for the batch: it is written once and read whole. */
  function eventSteps({ project, id }: ResponseKey, events: readonly KnownEvent[]): readonly Step[] {
    const last = events.at(-1)?.sequence_number;
    if (last === undefined) return [];
    return [
      step('put-events', {
        project,
        response_id: id,
        last_number: last,
        created_at: Math.floor(now() / 1000),
        events: JSON.stringify(events),
      }),
    ];
  }

  return {
    async begin(stored, { owner, untilMs }, events) {
      const { project, id } = stored;
      await write(
        executor,
        ...putSteps(stored),
        step('put-lease', { project, response_id: id, owner, until_ms: untilMs }),
        ...eventSteps(stored, events),
      );
    },

    async appendEvents(key, { owner, untilMs }, events) {
      const hold = { project: key.project, response_id: key.id, owner, until_ms: untilMs };
      return (await write(executor, requiredStep('hold-lease', hold), ...eventSteps(key, events))).applied;
    },

    async endLease(key, owner, events) {
      const lease = { project: key.project, response_id: key.id, owner };
      return (await write(executor, requiredStep('delete-lease', lease), ...eventSteps(key, events))).applied;
    },

    async renewLeases({ owner, untilMs }) {
      await write(executor, step('renew-leases', { owner, until_ms: untilMs }));
    },

    async seizeExpired(nowMs, { owner, untilMs }) {
      const seizure = step('seize-expired-leases', { now_ms: nowMs, owner, until_ms: untilMs });
      const { rows } = await write(executor, seizure);
      return rows.map((row) => ({ project: String(row['project']), id: String(row['id']) }));
    },

    async seize({ project, id }, { owner, untilMs }) {
      const values = { project, response_id: id, owner, until_ms: untilMs };
      return (await write(executor, requiredStep('seize-lease', values))).applied;
    },

    async isLeased({ project, id }) {
      return (await read(executor, 'get-lease', { project, response_id: id })).length > 0;
    },

    async events({ project, id }, after) {
      const rows = await read(executor, 'get-events', { project, response_id: id, after });
      const events = rows.flatMap((row) => decodeJson(row['events']) as KnownEvent[]);
      // A reader may have stopped inside a batch.
      return events.filter((event) => (event.sequence_number ?? 0) > after);
    },
  };
}
