/** The lanes on one connection, and whose an event is. */
import type { ServerEvent } from '@longwire/protocol';
import { adviceForCloseCode, closeCodes } from '@longwire/protocol/close-codes';
import type { Passenger } from './carrier.ts';
import { toResponsesError } from './errors.ts';
import type { ConnectionLoss } from './errors.ts';
import { isExtensionRefused } from './recovery.ts';

/** Named lanes of a connection (dossier E). */
const maxNames = 32;

/** The lanes that send on a connection. */
export class Seats {
  readonly #hasLanes: boolean;
  readonly #seats = new Map<string | null, Passenger>();
  /** Servers count every name that was ever used on a connection. */
  readonly #names = new Set<string>();
  #isFull = false;

  /** Without `stream_id` there is one seat. */
  constructor(hasLanes: boolean) {
    this.#hasLanes = hasLanes;
  }

  has(passenger: Passenger): boolean {
    return this.#seats.get(passenger.name) === passenger;
  }

  /** Takes a lane in; false where there is no place for it. */
  take(passenger: Passenger): boolean {
    if (this.has(passenger)) return true;
    const { name } = passenger;
    const isNew = name !== null && !this.#names.has(name);
    const isFull = this.#hasLanes ? isNew && this.#names.size >= maxNames : this.#seats.size > 0;
    if (isFull || this.#isFull || this.#seats.has(name)) return false;
    this.#seats.set(name, passenger);
    if (name !== null) this.#names.add(name);
    return true;
  }

  /** The lane goes elsewhere. `isFull`: nobody else is taken in. */
  leave(passenger: Passenger, isFull: boolean): void {
    this.#isFull ||= isFull;
    if (this.has(passenger)) this.#seats.delete(passenger.name);
  }

  get areIdle(): boolean {
    return this.#seats.values().every(({ isBusy }) => !isBusy);
  }

  /** The connection is lost to all, and each may find itself another. */
  lose(loss: ConnectionLoss): void {
    const passengers = [...this.#seats.values()];
    this.#seats.clear();
    this.#names.clear();
    const blamed = blame(passengers, loss);
    for (const passenger of passengers) passenger.lose(loss, blamed.includes(passenger));
  }

  /** Whose this event is; undefined for nobody's. */
  find(event: ServerEvent): Passenger | undefined {
    if (typeof event.stream_id === 'string') return this.#seats.get(event.stream_id);
    // A server without lanes tells no names.
    if (!this.#hasLanes) return this.#seats.values().next().value;
    return this.#findUnnamed(event) ?? this.#seats.get(null);
  }

  /** The default lane is the one that servers do not name; elsewhere all that sent as much will hear the same. */
  #findExtended(): Passenger | undefined {
    const unnamed = this.#seats.get(null);
    return unnamed?.isExtended ? unnamed : this.#seats.values().find(({ isExtended }) => isExtended);
  }

  /** The named lane that an event without its name is about. */
  #findUnnamed(event: ServerEvent): Passenger | undefined {
    if (event.type.startsWith('response.steer.') && 'steer' in event) {
      const { previous_response_id: target } = event.steer as { readonly previous_response_id?: unknown };
      return this.#seats.values().find((passenger) => typeof target === 'string' && passenger.isSteering(target));
    }
    const error = toResponsesError(event);
    if (error && isExtensionRefused(error)) return this.#findExtended();
    const isOfNoLane = error?.code === 'invalid_json' || error?.param === 'stream_id';
    if (!isOfNoLane) return undefined;
    const waiting = [...this.#seats.values()].filter(({ isWaiting }) => isWaiting);
    // Of several it may be any, unless all of them will hear the same.
    return waiting.length === 1 || error.param === 'stream_id' ? waiting.find(({ name }) => name !== null) : undefined;
  }
}

/** What frames of one request may differ by: their ordinals. */
const slackBytes = 32;

/**
 * Those for whose messages the server closed. Of one that is too large: whatever the server has read was smaller, so the largest
 * message without an answer is too large, and was never read. Where two are about as large, nothing is proven.
 */
function blame(passengers: readonly Passenger[], { code }: ConnectionLoss): readonly Passenger[] {
  if (adviceForCloseCode(code) !== 'terminal') return [];
  if (code !== closeCodes.tooLarge.code) return passengers;
  const sizes = passengers.map((passenger) => passenger.waitingBytes());
  const [largest = 0, second = 0] = sizes.toSorted((a, b) => b - a);
  return passengers.filter((_, index) => sizes[index] === largest && second < largest - slackBytes);
}
