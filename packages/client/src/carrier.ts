/** What turns travel on: a socket, or HTTP. */
import type { ServerEvent } from '@longwire/protocol';
import type { ConnectionLoss } from './errors.ts';

/** What is known of a server and idempotency keys. */
export type KeySupport = 'honoured' | 'ignored' | 'unknown';

/** A way to the server. */
export interface Carrier {
  /** What the server remembers of unstored responses, it remembers under this number; it changes when that is lost. */
  readonly id: number;
  readonly kind: 'socket' | 'http';
  /** Whether lanes are told apart by `stream_id`. */
  readonly hasLanes: boolean;
  /** Whether `response.cancel` is understood. */
  readonly canCancel: boolean;
  /** Whether the server honours idempotency keys; requests carry one unless it does not. */
  readonly keys: KeySupport;
  /** Waits until the server has said whether it honours keys; not for long. `unknown` if the carrier ends first. */
  settleKeys(): Promise<KeySupport>;
  /** Sends a frame of a lane, at once or as soon as the connection has been taken up again. */
  send(passenger: Passenger, text: string): Sending;
  /** The server has been silent on a lane for so long: makes sure that the connection lives. False where it cannot. */
  revive(silentMs: number): boolean;
  /** Takes no new turns any more, and ends when the running ones have. */
  retire(): void;
  /** The turn of a lane has ended, or nobody waits for it any more. */
  release(passenger: Passenger): void;
}

/** A frame on its way. */
export interface Sending {
  /** Whether it was given to the network, so that the server may have it. */
  readonly hasLeft: boolean;
  /** The server has answered it. */
  prove(): void;
}

/** A lane, as carriers see it. */
export interface Passenger {
  readonly name: string | null;
  /** Whether a turn of it runs. */
  readonly isBusy: boolean;
  /** Whether it waits for the first word on a request. */
  readonly isWaiting: boolean;
  /** Whether that request holds what only a Longwire knows. */
  readonly isExtended: boolean;
  /** Whether it steers this response. */
  isSteering(responseId: string): boolean;
  /** An event of this lane, with its size on the wire. */
  receive(event: ServerEvent, bytes: number): void;
  /** Size of its largest message that has left and that nothing came of yet; 0 for none. */
  waitingBytes(): number;
  /**
   * What the server kept is gone, and nothing more will come of what was sent. `isBlamed`: the server closed because of it, and
   * would do so again.
   */
  lose(loss: ConnectionLoss, isBlamed: boolean): void;
}

let newestId = 0;

/** A number that no other carrier of this process has. */
export function createCarrierId(): number {
  newestId += 1;
  return newestId;
}

/**
 * The event in a text; null for what is none, which every client of this protocol skips. Beyond `type` the server is trusted:
 * checking each delta against its schema would cost more than reading it.
 */
export function parseEvent(text: string): ServerEvent | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
      ? (value as ServerEvent)
      : null;
  } catch {
    return null;
  }
}

/** The size of a text on the wire. */
export function toByteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Whether the turn of its lane ends with this event. */
export function isTerminal({ type }: ServerEvent): boolean {
  return (
    type === 'response.completed' || type === 'response.incomplete' || type === 'response.failed' || type === 'error'
  );
}
