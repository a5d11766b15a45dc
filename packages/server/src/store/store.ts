/**
 * The store contract: responses, each written once, in one transaction, and read back by id.
 *
 * Durability: a `put` that resolved is on disk and survives a crash of the process and of the machine.
 * Atomicity: a response is there whole or not at all.
 * Ownership: every read and delete names the project; another project's response does not exist for it.
 * A full disk or a locked file rejects with `store_unavailable`; the store stays usable.
 */
import type { Item, Response } from '@longwire/protocol';

/** One stored response: the same node as in memory, written down. */
export interface StoredResponse {
  readonly id: string;
  readonly project: string;
  /** The response that it continued, null at the root of a chain. */
  readonly parentId: string | null;
  /** Unix seconds. */
  readonly createdAt: number;
  /** The items that the request added: not the history. */
  readonly input: readonly Item[];
  /** The response as its terminal event carried it, output included. */
  readonly response: Response;
}

/** Where stored responses live. */
export interface Store {
  /** Resolves when the response is durable. Rejects with `store_unavailable`. Putting an id again replaces it. */
  put(stored: StoredResponse): Promise<void>;

  /** One response, or null when it does not exist for this project. */
  get(project: string, id: string): Promise<StoredResponse | null>;

  /**
   * The response and all its ancestors, root first; null when the response or any ancestor is missing.
   * A chain may be cut short by `until`: ids that the caller holds already; the first one met is not returned and ends the walk.
   */
  chain(project: string, id: string, until?: ReadonlySet<string>): Promise<readonly StoredResponse[] | null>;

  /** True when it existed. */
  delete(project: string, id: string): Promise<boolean>;

  /** Writes out what is pending and lets go of files. */
  close(): Promise<void>;
}
