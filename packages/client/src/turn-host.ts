/** What a turn needs of its lane. */
import type { Response } from '@longwire/protocol';
import type { Carrier, Passenger } from './carrier.ts';
import type { ChainMemory, ChainNode } from './chain-memory.ts';
import type { Settings } from './options.ts';
import type { RefusedRequest } from './recovery.ts';
import type { RunningTurn } from './running-turn.ts';
import type { Steers } from './steering.ts';
import type { TurnEnd } from './turn-stream.ts';

/** A lane, as its turns see it. */
export interface TurnHost {
  readonly settings: Settings;
  readonly memory: ChainMemory;
  readonly passenger: Passenger;
  readonly steers: Steers;
  /** What the lane can send on right now. */
  ready(): Carrier | null;
  acquire(): Promise<Carrier>;
  leave(carrier: Carrier, refusal: RefusedRequest): void;
  /** Whether a response of this id has ended on this lane: what still comes of it is nobody's. */
  hasEnded(responseId: string): boolean;
  /** From now on it is as if this response had ended. */
  disown(responseId: string): void;
  /** A response has ended well. */
  commit(response: Response, continued: Continued, carrier: Carrier): void;
  onReplay(): void;
  /** It will be tried again after a while. */
  onPause(reason: string): void;
  /** The turn has ended, for the lane too. */
  onEnd(turn: RunningTurn, end: TurnEnd): void;
}

/** A node and what was said on top of it, as JSON without brackets. */
export interface Continued {
  readonly parent: ChainNode | null;
  readonly input: string;
}
