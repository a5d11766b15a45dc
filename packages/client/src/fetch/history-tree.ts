/** Conversations that were held, by what was said in them: finds the one that a history sent in full goes on from. */
import { toSeen } from '@longwire/protocol/seen';
import type { InputItem, OutputItem } from '@longwire/protocol';

/** What a history begins with. */
export interface Match {
  /** Null where nothing is known that it begins with. */
  readonly responseId: string | null;
  /** So many of its items are known to the server by that id; the others are new. */
  readonly known: number;
  /** Where the others go on. */
  readonly place: Place;
  /** Keys of the others. */
  readonly keys: readonly string[];
  /** Whether the caller wants the response stored. */
  readonly isToBeStored: boolean;
}

/** A history up to an item. */
interface Place {
  readonly parent: Place | null;
  readonly key: string;
  /** By key, and by reference where the item has an id. */
  readonly children: Map<string, Place>;
  reference: string | null;
  /** The response that ended here. */
  responseId: string | null;
  isPruned: boolean;
}

interface KnownResponse {
  readonly place: Place;
  readonly isStored: boolean;
  /** A server may be told to store nothing at all. */
  readonly wasToBeStored: boolean;
}

/** One item after the other from the root; where histories part, the tree has a fork. */
export class HistoryTree {
  readonly #root = createPlace(null, '');
  /** In order of use, the oldest first. */
  readonly #responses = new Map<string, KnownResponse>();
  readonly #maxChars: number;
  #chars = 0;

  /** Beyond so many characters the histories used longest ago are forgotten. */
  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  /**
   * The longest known history that these items begin with and go on from. O(items): the caller has sent all of them. What is to be
   * stored goes on from no response that was not to be: its history would be kept nowhere.
   */
  match(items: readonly InputItem[], isToBeStored: boolean): Match {
    const keys = items.map(toKey);
    let place = this.#root;
    let responseId: string | null = null;
    let known = 0;
    let end = place;
    for (const [index, key] of keys.entries()) {
      if (key === null) continue;
      const next = place.children.get(key);
      if (!next) break;
      place = next;
      const response = place.responseId === null ? undefined : this.#responses.get(place.responseId);
      if (response && (response.wasToBeStored || !isToBeStored)) {
        [responseId, known, end] = [place.responseId, index + 1, place];
      }
    }
    if (responseId !== null) while (keys[known] === null) known += 1;
    // Something new has to be said.
    if (known === items.length) [responseId, known, end] = [null, 0, this.#root];
    if (responseId !== null) this.#touch(responseId);
    return { responseId, known, place: end, keys: toOwn(keys.slice(known)), isToBeStored };
  }

  /** A response has ended: what it goes on from, what was new, and what it said. */
  add(
    { place, keys, isToBeStored }: Match,
    responseId: string,
    isStored: boolean,
    output: readonly OutputItem[],
  ): void {
    if (place.isPruned) return;
    let end = place;
    for (const key of keys) end = this.#step(end, key);
    for (const item of output) {
      const key = toKey(item as InputItem);
      if (key === null) continue;
      end = this.#step(end, key);
      this.#refer(end, item.id);
    }
    if (end.responseId !== null) this.#responses.delete(end.responseId);
    end.responseId = responseId;
    this.#responses.set(responseId, { place: end, isStored, wasToBeStored: isToBeStored });
    this.#trim();
  }

  /** Whether a history may go on from this response. */
  has(responseId: string): boolean {
    return this.#responses.has(responseId);
  }

  /** The server remembers this response no longer, unless it is stored. */
  leave(responseId: string): void {
    if (this.#responses.get(responseId)?.isStored === false) this.forget(responseId);
  }

  /** Nobody goes on from this response any more. */
  forget(responseId: string): void {
    const response = this.#responses.get(responseId);
    this.#responses.delete(responseId);
    if (!response) return;
    response.place.responseId = null;
    for (let place = response.place; place.parent !== null; place = place.parent) {
      if (place.responseId !== null || place.children.size > 0) return;
      place.parent.children.delete(place.key);
      if (place.reference !== null) place.parent.children.delete(place.reference);
      place.isPruned = true;
      this.#chars -= place.key.length;
    }
  }

  #step(from: Place, key: string): Place {
    const known = from.children.get(key);
    if (known) return known;
    const place = createPlace(from, key);
    from.children.set(key, place);
    this.#chars += key.length;
    return place;
  }

  #refer(place: Place, id: unknown): void {
    if (typeof id !== 'string' || place.reference !== null) return;
    place.reference = toReference(id);
    place.parent?.children.set(place.reference, place);
  }

  #touch(responseId: string): void {
    const response = this.#responses.get(responseId);
    if (!response) return;
    this.#responses.delete(responseId);
    this.#responses.set(responseId, response);
  }

  #trim(): void {
    for (const responseId of this.#responses.keys()) {
      if (this.#chars <= this.#maxChars) return;
      this.forget(responseId);
    }
  }
}

function createPlace(parent: Place | null, key: string): Place {
  return { parent, key, children: new Map(), reference: null, responseId: null, isPruned: false };
}

function toOwn(keys: readonly (string | null)[]): string[] {
  return keys.filter((key) => key !== null);
}

/** No key of another item begins like this. */
function toReference(id: string): string {
  return `id:${id}`;
}

/**
 * The same key for all ways in which SDKs echo an item; null for what makes no difference. Reasoning that is not sealed stays with
 * the server, and SDKs drop it or send it back in part.
 */
function toKey(item: InputItem): string | null {
  if (item.type === 'item_reference') return toReference(item.id);
  if (item.type === 'reasoning' && !item.encrypted_content) return null;
  const seen = toSeen({ type: 'message', ...item, ...argumentsOf(item) } as Parameters<typeof toSeen>[0]);
  return seen && JSON.stringify(seen);
}

/** Some SDKs parse the arguments of a call and write them again. */
function argumentsOf(item: InputItem): object {
  if (item.type !== 'function_call' || typeof item.arguments !== 'string') return {};
  try {
    return { arguments: JSON.stringify(JSON.parse(item.arguments)) };
  } catch {
    return {};
  }
}
