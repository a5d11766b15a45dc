/** What all resumable connections of the process may keep together. */

/** Whatever the others keep, a connection may keep this much: clients acknowledge more often than that. */
const ownBytes = 256 * 1024;

/** A sum of bytes with a limit, and those who wait for it to shrink. */
export class FrameBudget {
  readonly #limitBytes: number;
  #usedBytes = 0;
  readonly #waiting = new Set<() => void>();

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get isSpent(): boolean {
    return this.#usedBytes > this.#limitBytes;
  }

  take(bytes: number): void {
    this.#usedBytes += bytes;
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes;
    if (this.isSpent) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Whether a connection that keeps so much must wait for the others. */
  refuses(keptBytes: number): boolean {
    return this.isSpent && keptBytes > ownBytes;
  }

  /** Calls `wake` once there is room again. */
  onRoom(wake: () => void): void {
    this.#waiting.add(wake);
  }
}
