/** Background mode: a turn whose events go into the store, and from there to any number of readers (dossier L.4). */
import { setTimeout as delay } from 'node:timers/promises';
import { errors, type CreateRequest, type KnownEvent, type Response, type Trace } from '@longwire/protocol';
import { resolveStoredNode } from '../chain/resolve.ts';
import type { BackgroundReading } from '../observe/snapshot.ts';
import type { Lease, ResponseKey, Store } from '../store/store.ts';
import { toStored } from './commit.ts';
import { EventJournal } from './journal.ts';
import { endOrphan, isOver, isTerminal } from './orphans.ts';
import { Places } from './places.ts';
import { TurnRun, type TurnEvents } from './runner.ts';
import { openTurn, type TurnServices } from './turn.ts';

/** How much runs at once, and for how long others believe that it runs. */
export interface BackgroundOptions {
  readonly maxInFlight: number;
  /** A process that is silent for this long is gone: another one ends its responses. Milliseconds. */
  readonly leaseMs: number;
}

/** A response that runs in this process. */
interface Running {
  readonly key: ResponseKey;
  readonly run: TurnRun;
  readonly events: TurnEvents;
  readonly journal: EventJournal;
  /** Created with `stream:true`: its events are kept, and may be read. */
  readonly streams: boolean;
  /** Aborts when it need not wait for a place any more. */
  readonly hurry: AbortController;
  readonly ended: Promise<void>;
}

/** How often a reader looks for events that another process writes. */
const pollMs = 250;

/** The background responses of this process. */
export class BackgroundRuns {
  readonly #services: TurnServices;
  readonly #store: Store | null;
  readonly #leaseMs: number;
  readonly #places: Places;
  readonly #running = new Map<string, Running>();
  readonly #heartbeat: NodeJS.Timeout;

  constructor(services: TurnServices, { maxInFlight, leaseMs }: BackgroundOptions) {
    this.#services = services;
    this.#store = services.store;
    this.#leaseMs = leaseMs;
    this.#places = new Places(maxInFlight);
    this.#heartbeat = setInterval(() => void this.beat(), leaseMs / 3).unref();
  }

  /**
   * Starts a response and returns it once it is durable, as `queued`. Throws what `resolveStoredNode` and `openTurn` throw, and
   * `store_unavailable`.
   */
  async start(project: string, body: CreateRequest, trace: Trace | null = null): Promise<Response> {
    const { previous_response_id: parentId, stream } = body;
    const parent = parentId ? await resolveStoredNode(this.#services, project, parentId) : null;
    const via = { transport: 'http', connectionId: null, streamId: null } as const;
    const turn = await openTurn(this.#services, { body, parent, project, trace, via });
    const run = new TurnRun(this.#services, turn);
    const events = run.events();
    const first = await events.next();
    const created = first.done ? [] : first.value;
    const streams = stream === true;
    const { id, response } = turn;
    try {
      await this.#requireStore().begin(toStored(turn, response, null), this.#lease(), streams ? created : []);
    } catch (thrown) {
      await events.return(null);
      throw thrown;
    }
    this.#launch({ project, id }, run, events, streams, created);
    return response;
  }

  /** Those that this process holds the lease of. */
  reading(): BackgroundReading {
    const { waiting } = this.#places;
    return { running: this.#running.size - waiting, waiting };
  }

  /** The response as far as it has come, if it runs in this process. */
  find(project: string, id: string): Response | null {
    return this.#running.get(keyOf({ project, id }))?.run.response ?? null;
  }

  /**
   * Its events behind a sequence number (-1: all), those to come included. Throws `response_not_found`, and `invalid_request` for
   * a response that keeps none.
   */
  async read(project: string, id: string, after: number): Promise<AsyncIterable<readonly KnownEvent[]>> {
    const key = { project, id };
    const running = this.#running.get(keyOf(key));
    if (running?.streams) return running.journal.read(after);
    if (running) throw errors.notStreamable();
    const store = this.#store;
    const stored = await store?.get(project, id);
    if (!store || !stored) throw errors.responseNotFound(id);
    if (!stored.response.background) throw errors.notInBackground();
    if ((await store.events(key, -1)).length === 0) throw errors.notStreamable();
    return readStored(store, key, after);
  }

  /**
   * Stops a response wherever it runs, and returns it as it ended; one that has ended is returned as it is.
   * Throws `response_not_found`, and `invalid_request` for one that does not run in the background.
   */
  async cancel(project: string, id: string): Promise<Response> {
    const key = { project, id };
    const running = this.#running.get(keyOf(key));
    if (running) {
      running.run.interrupt('cancelled');
      running.hurry.abort();
      await running.ended;
    }
    const store = this.#store;
    const stored = await store?.get(project, id);
    if (!store || !stored) throw errors.responseNotFound(id);
    if (!stored.response.background) throw errors.synchronousResponse();
    if (isOver(stored.response)) return stored.response;
    // It runs in another process, which notices that its lease is lost, or did in one that is gone.
    const seized = await store.seize(key, this.#lease());
    const ended = seized ? await endOrphan(store, key, this.#services.owner, 'cancelled') : null;
    return ended ?? stored.response;
  }

  /** Stops a response that is about to be deleted: nobody hears of it any more. */
  async drop(project: string, id: string): Promise<void> {
    const running = this.#running.get(keyOf({ project, id }));
    if (!running) return;
    running.run.abort();
    running.hurry.abort();
    await running.ended;
  }

  /** Says that this process lives, and ends what was left behind by those that do not. Called on a timer, and at the start. */
  async beat(): Promise<void> {
    const { owner, now, log } = this.#services;
    const store = this.#store;
    if (!store) return;
    try {
      if (this.#running.size > 0) await store.renewLeases(this.#lease());
      for (const key of await store.seizeExpired(now(), this.#lease())) {
        if (!this.#running.has(keyOf(key))) await endOrphan(store, key, owner, 'failed');
      }
    } catch (error) {
      log.warn({ error }, 'Background responses could not be looked after.');
    }
  }

  /** Lets what runs end until `deadline` aborts; the rest fails, and its clients can read that it did. */
  async close(deadline: AbortSignal): Promise<void> {
    clearInterval(this.#heartbeat);
    const left = [...this.#running.values()];
    const cut = () => {
      for (const { run, hurry } of left) {
        run.abort();
        hurry.abort();
      }
    };
    if (deadline.aborted) cut();
    else deadline.addEventListener('abort', cut, { once: true });
    await Promise.all(left.map(({ ended }) => ended));
    deadline.removeEventListener('abort', cut);
  }

  #launch(key: ResponseKey, run: TurnRun, events: TurnEvents, streams: boolean, created: readonly KnownEvent[]): void {
    const store = this.#requireStore();
    const journal = new EventJournal(async (batch) => !streams || store.appendEvents(key, this.#lease(), batch));
    journal.publish(created);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const running: Running = { key, run, events, journal, streams, hurry: new AbortController(), ended };
    this.#running.set(keyOf(key), running);
    void this.#run(running).finally(() => {
      this.#running.delete(keyOf(key));
      journal.end();
      resolve();
    });
  }

  async #run(running: Running): Promise<void> {
    const hasPlace = await this.#places.take(running.hurry.signal);
    try {
      await this.#pump(running);
    } catch (error) {
      this.#services.log.error({ responseId: running.key.id, error }, 'A background response broke off.');
    } finally {
      if (hasPlace) this.#places.give();
    }
  }

  /** Pulls the turn to its end. The last events and the end of the lease are one write: what is not leased is whole. */
  async #pump({ key, run, events, journal, streams }: Running): Promise<void> {
    const store = this.#requireStore();
    const { owner } = this.#services;
    let last: readonly KnownEvent[] = [];
    for (;;) {
      const next = await events.next();
      if (next.done) break;
      if (next.value.some(isTerminal)) last = next.value;
      else await journal.push(next.value);
      if (journal.hasFailed) run.abort();
    }
    await journal.flushed();
    if (run.isAborted) {
      await endOrphan(store, key, owner, 'failed');
    } else if (await store.endLease(key, owner, streams ? last : [])) {
      journal.publish(last);
    }
  }

  #lease(): Lease {
    return { owner: this.#services.owner, untilMs: this.#services.now() + this.#leaseMs };
  }

  #requireStore(): Store {
    if (this.#store) return this.#store;
    throw errors.unsupportedValue('background', 'can only be true for a response that is stored (store: true).');
  }
}

/** Events as they stand in the store, until the response runs nowhere any more. */
async function* readStored(store: Store, key: ResponseKey, after: number): AsyncGenerator<readonly KnownEvent[]> {
  for (let seen = after; ;) {
    // Asked for first: what is not leased gets no more events.
    const runs = await store.isLeased(key);
    const events = await store.events(key, seen);
    seen = events.at(-1)?.sequence_number ?? seen;
    if (events.length > 0) yield events;
    else if (runs) await delay(pollMs, undefined, { ref: false });
    else return;
  }
}

function keyOf({ project, id }: ResponseKey): string {
  return JSON.stringify([project, id]);
}
