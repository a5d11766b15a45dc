/**
 * What this engine keeps of a chain: its items as JSON bytes, for upstreams that keep nothing and for the day that one forgets,
 * and the upstream's response that holds a part of them already.
 */
import type { Item } from '@longwire/protocol';
import { appendElements, emptyList, type EncodedList } from '../http/encoded-list.ts';
import { isSameOutput, toUpstreamItems } from './items.ts';
import type { UpstreamLane } from './lane.ts';
import type { UpstreamItem } from './wire.ts';

/** A response that an upstream lane keeps, and what of a chain is in it. */
export interface Anchor {
  readonly lane: UpstreamLane;
  readonly responseId: string;
  readonly history: EncodedList;
}

/** What a generation brought, until the chain goes on from it. */
export interface Answer {
  readonly items: readonly UpstreamItem[];
  /** Where the upstream keeps it; null for an upstream that keeps nothing. */
  readonly kept: Pick<Anchor, 'lane' | 'responseId'> | null;
}

/** A chain up to a point. */
export interface ResponsesContext {
  readonly history: EncodedList;
  /** The newest response of the upstream that stands before this point. It may be forgotten by now. */
  readonly anchor: Anchor | null;
  /** Left here by the last generation from this context: its output comes back by `extend`, without what only the upstream reads. */
  answer: Answer | null;
}

/**
 * `parent` with `items` behind it: O(items). Where they are the answer to `parent`, the upstream's own words for them are kept,
 * sealed reasoning included, and the chain is anchored to its response.
 */
export function extendContext(parent: ResponsesContext | null, items: readonly Item[]): ResponsesContext {
  const base = parent?.history ?? emptyList;
  const answer = parent?.answer;
  if (!answer || !isSameOutput(items, answer.items)) {
    return { history: appendElements(base, toUpstreamItems(items)), anchor: parent?.anchor ?? null, answer: null };
  }
  const history = appendElements(base, answer.items);
  return { history, anchor: answer.kept ? { ...answer.kept, history } : parent.anchor, answer: null };
}
