/** The resumable connections of the process: found by their token, ended when nobody comes for them (PROTOCOL.md 11.1). */
import { createHash, randomBytes } from 'node:crypto';
import type { Identity, Keyring } from '../auth/keys.ts';
import type { Connection } from '../connection/connection.ts';
import type { ExtensionCounts } from '../observe/extension-counts.ts';
import type { Log } from '../observe/log.ts';
import { FrameBudget } from './frame-budget.ts';
import { Resumable, type ResumableHome, type ResumableOptions } from './resumable.ts';

/** Limits of all resumable connections. */
export interface ResumeLimits extends ResumableOptions {
  /** Connections that may wait for a socket; the one that has waited longest goes first. */
  readonly maxDetached: number;
  /** Bytes of frames that all of them may keep. */
  readonly memoryBytes: number;
}

interface Entry {
  readonly hash: string;
  readonly owner: Identity;
}

const tokenBytes = 32;

/** Holds no token, only their hashes: what cannot be read cannot be told. */
export class Resumables implements ResumableHome {
  readonly #limits: ResumeLimits;
  readonly #keyring: Keyring;
  readonly #log: Log;
  readonly #counts: ExtensionCounts;
  readonly #budget: FrameBudget;
  readonly #byHash = new Map<string, Resumable>();
  readonly #entries = new Map<Resumable, Entry>();
  /** In the order in which they lost their sockets. */
  readonly #detached = new Set<Resumable>();
  #isClosed = false;

  constructor(limits: ResumeLimits, keyring: Keyring, log: Log, counts: ExtensionCounts) {
    this.#limits = limits;
    this.#keyring = keyring;
    this.#log = log;
    this.#counts = counts;
    this.#budget = new FrameBudget(limits.memoryBytes);
  }

  /** Whether the server has the extension. */
  get isEnabled(): boolean {
    return this.#limits.graceMs > 0;
  }

  /** Connections that wait for a socket. */
  waiting(): readonly Connection[] {
    return [...this.#detached].map(({ connection }) => connection);
  }

  /** What all of them keep until it is acknowledged, in bytes. */
  get keptBytes(): number {
    return this.#budget.usedBytes;
  }

  /** Makes a connection of this owner resumable. */
  create(connection: Connection, owner: Identity): Resumable {
    const token = randomBytes(tokenBytes).toString('base64url');
    const resumable = new Resumable(connection, token, this, this.#budget, this.#limits);
    const hash = hashOf(token);
    this.#byHash.set(hash, resumable);
    this.#entries.set(resumable, { hash, owner });
    return resumable;
  }

  /**
   * The connection of this token, if it is the caller's own and every frame behind `received` is still here. Null tells a caller
   * nothing of which of these it was.
   */
  find(token: string, { project, key }: Identity, received: number): Resumable | null {
    const resumable = this.#byHash.get(hashOf(token));
    const owner = resumable && this.#entries.get(resumable)?.owner;
    const isOwn = owner?.project === project && owner.key === key;
    if (!resumable || !isOwn || !resumable.reaches(received)) {
      this.#counts.refused++;
      return null;
    }
    this.#detached.delete(resumable);
    this.#counts.resumed++;
    this.#log.debug({ connectionId: resumable.connection.id }, 'connection resumed');
    return resumable;
  }

  detached(resumable: Resumable): void {
    this.#detached.add(resumable);
    this.#counts.detached++;
    this.#log.debug({ connectionId: resumable.connection.id }, 'connection waits for a socket');
    if (this.#isClosed || this.#detached.size > this.#limits.maxDetached) this.#endOldest();
  }

  retired(resumable: Resumable): void {
    const entry = this.#entries.get(resumable);
    if (!entry) return;
    this.#entries.delete(resumable);
    this.#byHash.delete(entry.hash);
    this.#detached.delete(resumable);
  }

  /** Ends those that have waited for too long, or whose key is gone, and the oldest while too much is kept. */
  sweep(): void {
    const latestMs = this.#limits.now() - this.#limits.graceMs;
    for (const resumable of this.#detached) {
      const owner = this.#entries.get(resumable)?.owner;
      const isExpired = resumable.detachedMs !== null && resumable.detachedMs <= latestMs;
      if (isExpired || !owner || !this.#keyring.holds(owner)) this.#expire(resumable);
    }
    while (this.#budget.isSpent && this.#detached.size > 0) this.#endOldest();
  }

  /** Nobody can come any more: ends all that wait, and those that still lose their socket. */
  close(): void {
    this.#isClosed = true;
    for (const resumable of this.#detached) this.#expire(resumable);
  }

  #endOldest(): void {
    const [oldest] = this.#detached;
    if (oldest) this.#expire(oldest);
  }

  #expire(resumable: Resumable): void {
    this.#counts.expired++;
    this.#log.debug({ connectionId: resumable.connection.id }, 'connection waited in vain');
    resumable.end();
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
