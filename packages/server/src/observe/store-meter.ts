/** What is counted of a store. */

/** Who counts. */
export interface StoreMeter {
  /** An operation has ended: how long it took in milliseconds, the wait for its batch included, and whether it was done. */
  operated(kind: 'open' | 'read' | 'write', durationMs: number, done: boolean): void;
}
