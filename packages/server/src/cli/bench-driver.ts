/**
 * Clients that replay a conversation in the ways in which clients talk to a Responses API. They are no bottleneck: the clock runs from a
 * request that is ready to be sent until its last byte came back, and on the way they only look for the first delta.
 */
import type { Item, OutputItem, Tool } from '@longwire/protocol';
import { createHttpDriver } from './bench-http.ts';
import { createSocketDriver } from './bench-socket.ts';

/** Ways to send a conversation's next turn. */
export const benchModes = [
  'http-new',
  'http-full',
  'http-previous',
  'ws-codex',
  'ws-codex-deflate',
  'ws-delta',
] as const;
export type BenchMode = (typeof benchModes)[number];

/** What each way is, in the words of the report. */
export const benchModeNames: Readonly<Record<BenchMode, string>> = {
  'http-new': 'HTTP, full history, new connection',
  'http-full': 'HTTP, full history, keep-alive',
  'http-previous': 'HTTP, previous_response_id',
  'ws-codex': 'WebSocket as Codex sends it',
  'ws-codex-deflate': 'WebSocket as Codex sends it, deflated',
  'ws-delta': 'WebSocket, new items only',
};

/** Where to and in whose name. */
export interface BenchTarget {
  /** Base URL of the API, without a slash at its end. */
  readonly url: string;
  readonly apiKey?: string | null;
  /** Sent with every request and every handshake. */
  readonly headers?: Readonly<Record<string, string>>;
  /** PEM of the certificate to trust, for links of the benchmark's own. */
  readonly certificate?: string;
}

/** What is the same in every request of a conversation. */
export interface Conversation {
  readonly model: string;
  readonly instructions: string;
  readonly tools: readonly Tool[];
}

/** One turn as the client saw it. */
export interface TurnTimes {
  /** From the request to the first delta (to the end where there was none). Milliseconds. */
  readonly firstMs: number;
  readonly totalMs: number;
  readonly events: number;
  /** On the wire above TCP (and above TLS), framing and headers included. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly responseId: string;
  readonly output: readonly OutputItem[];
}

/** One conversation over one way. Turns go one after another. */
export interface Driver {
  /** Sends the items that are new and waits for the end. Throws an `Error` with the server's words when the turn does not complete. */
  turn(input: readonly Item[]): Promise<TurnTimes>;
  /** Whether frames are compressed: negotiated at the handshake. */
  readonly deflated: boolean;
  close(): void;
}

/** Opens a driver. Sockets are connected when it resolves; throws what the handshake throws. */
export async function openDriver(mode: BenchMode, target: BenchTarget, conversation: Conversation): Promise<Driver> {
  switch (mode) {
    case 'http-new':
    case 'http-full':
    case 'http-previous':
      return createHttpDriver(mode, target, conversation);
    case 'ws-codex':
    case 'ws-codex-deflate':
    case 'ws-delta':
      return createSocketDriver(mode, target, conversation);
  }
}
