/**
 * The store contract: what outlives a connection.
 *
 * Durability: a write that resolved is on disk and survives a crash of the process and of the machine.
 * Atomicity: each write happens whole or not at all.
 * Ownership: every call names the project; what belongs to another project does not exist for it.
 * A full disk or a locked file rejects with `store_unavailable`; the store stays usable.
 */
import type { Item, KnownEvent, Metadata, Response } from '@longwire/protocol';

/** Everything that a store does. */
export interface Store extends ResponseStore, BackgroundStore, ConversationStore {
  /** Lets go of what is too old or too much, a bounded piece at a time. Resolves with whether there is more to do. */
  expire(limits: RetentionLimits): Promise<boolean>;

  /** Writes out what is pending and lets go of files. */
  close(): Promise<void>;
}

/** One stored response: the same node as in memory, written down. */
export interface StoredResponse {
  readonly id: string;
  readonly project: string;
  /** The response that it continued, null at the root of a chain. */
  readonly parentId: string | null;
  /** Where a chain begins inside a conversation; what stands before that place is its history. */
  readonly conversation: ConversationPlace | null;
  /** Unix seconds. */
  readonly createdAt: number;
  /** The items that the request added, each with an `id`: not the history. */
  readonly input: readonly Item[];
  /** The response as its terminal event carried it, output included. */
  readonly response: Response;
}

/** Responses, each written once and read back by id. */
export interface ResponseStore {
  /**
   * Resolves when the response is durable. Putting an id again replaces it. With `guard` the write happens only as long as what
   * it names still holds; it resolves with whether it happened.
   */
  put(stored: StoredResponse, guard?: PutGuard): Promise<boolean>;

  /** One response, or null when it does not exist for this project. */
  get(project: string, id: string): Promise<StoredResponse | null>;

  /**
   * The response and all its ancestors, root first; null when the response or any ancestor is missing.
   * A chain may be cut short by `until`: ids that the caller holds already; the first one met is not returned and ends the walk.
   */
  chain(project: string, id: string, until?: ReadonlySet<string>): Promise<readonly StoredResponse[] | null>;

  /** True when it existed. What it streamed goes with it; responses that continued it stay, without their history. */
  delete(project: string, id: string): Promise<boolean>;

  /** Stored items by their ids, those of conversations included; an id that is unknown is missing from the map. */
  findItems(project: string, ids: readonly string[]): Promise<ReadonlyMap<string, Item>>;
}

/** What must still be true for a response to be written. */
export interface PutGuard {
  /** The lease of a background response is held by this owner. */
  readonly owner?: string;
  /** The conversation stands at this position; these items are added to it in the same transaction. */
  readonly append?: ConversationPlace & { readonly items: readonly Item[] };
}

/** Who runs a background response, and until when others must believe it. */
export interface Lease {
  /** A process, by a name that no other process has. */
  readonly owner: string;
  /** Unix milliseconds. */
  readonly untilMs: number;
}

/** A response, by what it takes to find it. */
export interface ResponseKey {
  readonly project: string;
  readonly id: string;
}

/** Responses that run without a client, and the events that they have sent so far (dossier L.4). */
export interface BackgroundStore {
  /** Writes a response that is about to run, leased to its owner, with its first events. */
  begin(stored: StoredResponse, lease: Lease, events: readonly KnownEvent[]): Promise<void>;

  /** Adds events and prolongs the lease. False, and nothing is written, when the lease is not the owner's any more. */
  appendEvents(key: ResponseKey, lease: Lease, events: readonly KnownEvent[]): Promise<boolean>;

  /** Writes the last events and ends the lease. False, and nothing is written, when the lease is not the owner's any more. */
  endLease(key: ResponseKey, owner: string, events: readonly KnownEvent[]): Promise<boolean>;

  /** Prolongs every lease of an owner. */
  renewLeases(lease: Lease): Promise<void>;

  /** Takes over the leases that ran out before `nowMs`. */
  seizeExpired(nowMs: number, lease: Lease): Promise<readonly ResponseKey[]>;

  /** Takes over a lease whoever holds it; false when there is none: the response does not run. */
  seize(key: ResponseKey, lease: Lease): Promise<boolean>;

  /** Whether anybody holds a lease on it: what nobody holds gets no more events. */
  isLeased(key: ResponseKey): Promise<boolean>;

  /** The events after a sequence number (-1: all), in order, at most some hundreds of them; empty at the end. */
  events(key: ResponseKey, after: number): Promise<readonly KnownEvent[]>;
}

/** A position between the items of a conversation: it grows with every change. */
export interface ConversationPlace {
  readonly id: string;
  readonly position: number;
}

/** A conversation without its items. */
export interface StoredConversation {
  readonly id: string;
  readonly project: string;
  /** Unix seconds. */
  readonly createdAt: number;
  readonly metadata: Metadata;
  /** Where it stands. */
  readonly position: number;
}

/** One page of a list. */
export interface PageRequest {
  /** The id that the page comes after, in the order asked for. */
  readonly after: string | null;
  readonly limit: number;
  readonly order: 'asc' | 'desc';
}

/** Conversations: a list of items that turns and clients append to (dossier L.1). */
export interface ConversationStore {
  createConversation(conversation: Omit<StoredConversation, 'position'>, items: readonly Item[]): Promise<void>;

  getConversation(project: string, id: string): Promise<StoredConversation | null>;

  /** Replaces the metadata; null when there is no such conversation. */
  updateConversation(project: string, id: string, metadata: Metadata): Promise<StoredConversation | null>;

  /** True when it existed. Its items stay as long as stored responses may need them: until retention ends. */
  deleteConversation(project: string, id: string, nowSeconds: number): Promise<boolean>;

  /** Adds items, each with an `id` of its own; false, and nothing is added, when the conversation is not at that position any more. */
  appendItems(project: string, at: ConversationPlace, items: readonly Item[]): Promise<boolean>;

  /** Items in the order asked for, `limit` at most; null when there is no such conversation or no item `after`. */
  listItems(project: string, id: string, page: PageRequest): Promise<readonly Item[] | null>;

  /** All items before a position, oldest first; those of a deleted conversation too. */
  itemsBefore(project: string, place: ConversationPlace): Promise<readonly Item[]>;

  getItem(project: string, id: string, itemId: string): Promise<Item | null>;

  /** True when it existed. */
  deleteItem(project: string, id: string, itemId: string): Promise<boolean>;
}

/** What a store may keep. */
export interface RetentionLimits {
  /** Unix seconds: chains whose newest response is older go, whole. */
  readonly before: number;
  /** Unix seconds: responses that ended before then cannot be streamed again. */
  readonly eventsBefore: number;
  /** Beyond these the chains that were used longest ago go. */
  readonly maxResponses: number;
  readonly maxBytes: number;
}
