/** Input for responses that run, from sent to applied (dossier F.2). */
import type { InputItem, ServerEvent, SteerFailedEvent, SteerInput, SteerPendingEvent } from '@longwire/protocol';
import { toByteLength } from './carrier.ts';
import { toJsonItems } from './chain-memory.ts';

/** What the client still owes before a steer is applied. */
export type RequiredInput = SteerPendingEvent['required_input'];

/**
 * What became of a steer. `applied`: the response `responseId` answers it. `pending`: it goes in front of the input of the
 * request that brings `requiredInput`; the lane sees to that, also when the server has forgotten it. `failed`: it has no effect.
 */
export type SteerOutcome =
  | { readonly state: 'applied'; readonly responseId: string }
  | { readonly state: 'pending'; readonly requiredInput: RequiredInput }
  | { readonly state: 'failed'; readonly code: string; readonly message: string; readonly input: SteerInput };

/** A steer on its way. Its promises never reject. */
export interface Steering {
  /** Whether the server took it. Taken is not yet applied. */
  readonly accepted: Promise<boolean>;
  readonly outcome: Promise<SteerOutcome>;
}

interface Entry {
  readonly input: SteerInput;
  readonly accepted: PromiseWithResolvers<boolean>;
  readonly outcome: PromiseWithResolvers<SteerOutcome>;
  /** The response that it is for; null while that has no id yet. */
  target: string | null;
  state: 'unsent' | 'sent' | 'accepted';
  /** Given by the server when it accepts. */
  id: string | null;
}

/** What a frame holds besides the input of a steer. */
const frameBytes = 128;

/** The steers of a lane that are not settled. */
export class Steers {
  #entries: Entry[] = [];

  /** A new one; it is sent when its response is known. */
  add(input: SteerInput): Steering {
    const entry: Entry = {
      input,
      accepted: Promise.withResolvers(),
      outcome: Promise.withResolvers(),
      target: null,
      state: 'unsent',
      id: null,
    };
    this.#entries.push(entry);
    return { accepted: entry.accepted.promise, outcome: entry.outcome.promise };
  }

  /** The inputs that can now be sent to this response. */
  takeUnsent(target: string): SteerInput[] {
    const unsent = this.#entries.filter(({ state }) => state === 'unsent');
    for (const entry of unsent) Object.assign(entry, { state: 'sent', target });
    return unsent.map(({ input }) => input);
  }

  /** Whether the server still has something to say about steers of this response. */
  isOpen(target: string): boolean {
    return this.#entries.some((entry) => entry.target === target);
  }

  /** About the size of the largest frame that has left and that the server has not answered; 0 for none. */
  waitingBytes(): number {
    const sent = this.#entries.filter(({ state }) => state === 'sent');
    return Math.max(0, ...sent.map(({ input }) => frameBytes + toByteLength(JSON.stringify(input))));
  }

  /** Takes in an answer of the server. Returns the input, as JSON, that waits for the next request of the lane. */
  receive(event: ServerEvent): string {
    if (event.type === 'response.steer.accepted') {
      const { id, previous_response_id } = event.steer as { id: string; previous_response_id: string };
      const entry = this.#entries.find(({ state, target }) => state === 'sent' && target === previous_response_id);
      if (entry) this.#accept(entry, id);
      return '';
    }
    if (event.type === 'response.steer.pending') return this.#wait(event as SteerPendingEvent);
    if (event.type === 'response.steer.failed') this.#fail(event as SteerFailedEvent);
    return '';
  }

  /** A response follows the target: it answers what was accepted. Returns that input, as JSON. */
  apply(target: string, responseId: string): string {
    const applied = this.#take((entry) => entry.target === target && entry.state === 'accepted');
    for (const { outcome } of applied) outcome.resolve({ state: 'applied', responseId });
    return applied.map(toJson).join(',');
  }

  /** There is nothing to send them to. */
  failUnsent(): void {
    for (const entry of this.#take(({ state }) => state === 'unsent')) {
      settleFailed(entry, 'response_not_active', 'No response runs on this lane that can be steered.');
    }
  }

  /** Nothing more will be heard of any of them. */
  failAll(code: string, message: string): void {
    for (const entry of this.#take(() => true)) settleFailed(entry, code, message);
  }

  #accept(entry: Entry, id: string): void {
    entry.state = 'accepted';
    entry.id = id;
    entry.accepted.resolve(true);
  }

  #wait({ steer, required_input: requiredInput }: SteerPendingEvent): string {
    const [entry] = this.#take(({ id }) => id === steer.id);
    if (!entry) return '';
    entry.outcome.resolve({ state: 'pending', requiredInput });
    return toJson(entry);
  }

  #fail({ steer, error }: SteerFailedEvent): void {
    const isMeant = ({ id, state, target }: Entry) =>
      steer.id === undefined ? state === 'sent' && target === steer.previous_response_id : id === steer.id;
    const meant = this.#entries.find(isMeant);
    for (const entry of this.#take((entry) => entry === meant)) settleFailed(entry, error.code, error.message);
  }

  #take(isTaken: (entry: Entry) => boolean): Entry[] {
    const taken = this.#entries.filter(isTaken);
    this.#entries = this.#entries.filter((entry) => !taken.includes(entry));
    return taken;
  }
}

function settleFailed({ input, accepted, outcome }: Entry, code: string, message: string): void {
  accepted.resolve(false);
  outcome.resolve({ state: 'failed', code, message, input });
}

function toJson({ input }: Entry): string {
  return toJsonItems(input as string | InputItem[]);
}
