/** What is counted of turns, told once for each: where it begins to run, where its first event comes, how it ends. */
import type { ErrorCode, Usage } from '@longwire/protocol';

/** How a turn's events leave. */
export type TurnTransport = 'websocket' | 'sse' | 'http' | 'background';

/** Where the history in front of a turn's new items came from. */
export type HistoryOrigin =
  /** There is none: a chain begins. */
  | 'none'
  /** In memory, prepared by the engine that goes on. */
  | 'memory'
  /** Read from the store, and prepared for the engine. */
  | 'store'
  /** In memory, but prepared anew: another engine goes on. */
  | 'rebuilt'
  /** Sent in full, and found in memory. */
  | 'matched'
  /** Sent in full, and prepared from its beginning. */
  | 'sent';

/** What tells turns apart. Each has few values, whatever clients send. */
export interface TurnFacts {
  /** As configured. */
  readonly engine: string;
  /** One that the engine lists. */
  readonly model: string;
  readonly transport: TurnTransport;
  readonly project: string;
  readonly history: HistoryOrigin;
}

/** How a turn ended; `abandoned`: without a terminal event, since nobody was left to read it. */
export type TurnOutcome = 'completed' | 'incomplete' | 'cancelled' | 'steered' | 'failed' | 'warmed' | 'abandoned';

/** The end of a turn. */
export interface TurnEnd {
  readonly outcome: TurnOutcome;
  /** Of a turn that failed. */
  readonly code: ErrorCode | null;
  /** Of the answer; null where nobody counted. */
  readonly usage: Usage | null;
  /** Of the summary that a compaction wrote. */
  readonly summaryUsage: Usage | null;
}

/** One turn that runs. */
export interface TurnWatch {
  /** The same events; the first batch that holds any is noted. Those behind it pass by without a look. */
  hear<T>(events: AsyncIterable<readonly T[]>): AsyncIterable<readonly T[]>;
  /** It is over. Only the first call counts. */
  end(end: TurnEnd): void;
}

/** Where a request was refused before it was a turn. */
export type RefusalDoor = 'websocket' | 'http' | 'upgrade';

/** Who counts. */
export interface TurnMeter {
  /** A turn begins to run. */
  begin(facts: TurnFacts): TurnWatch;
  /** A request was answered with an error of the catalogue, and no response came to be. */
  refuse(door: RefusalDoor, code: ErrorCode): void;
}

/** Calls `onFirst` with the first batch that is not empty; those behind it come straight from the engine. */
export function hearFirst<T>(events: AsyncIterable<readonly T[]>, onFirst: () => void): AsyncIterable<readonly T[]> {
  return {
    [Symbol.asyncIterator]() {
      const engine = events[Symbol.asyncIterator]();
      let hasHeard = false;
      const listen = async (): Promise<IteratorResult<readonly T[]>> => {
        const result = await engine.next();
        if (!result.done && result.value.length > 0) {
          hasHeard = true;
          onFirst();
        }
        return result;
      };
      return {
        next: () => (hasHeard ? engine.next() : listen()),
        return: async () => (await engine.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}
