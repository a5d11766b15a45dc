/** History as a chain of immutable nodes, one per response (design: "The one idea"). */
import type { Item, OutputItem, Tool } from '@longwire/protocol';
import { NodeItems } from './items.ts';
import { unpackedTokens } from './packing.ts';
import { estimateTokens } from './tokens.ts';
import { extendOpenCalls, noOpenCalls, type OpenCalls } from './tool-calls.ts';

/** What an engine prepared of a chain up to and including a node. */
export interface NodeContext {
  readonly engine: string;
  readonly context: unknown;
  /** The context that the output followed, of the same history; null where there is none. */
  readonly beforeOutput: unknown;
  /** Whether items were left out of it that the chain holds (`truncation: "auto"`). */
  readonly isShortened: boolean;
}

/** One response in a chain. What a chain says never changes; how it is kept does: what is not `readonly` here. */
export interface ChainNode {
  /** The response's id. */
  readonly id: string;
  readonly project: string;
  /**
   * Null at the root, and where a compaction among the node's own items stands for everything before them (dossier H). A node that
   * has come to stand for some before it has theirs (packing.ts).
   */
  parent: ChainNode | null;
  /** Whether the response is stored, and so may be found without this connection. */
  readonly stored: boolean;
  /** The model that the response named, for requests that leave it out. */
  readonly model: string;
  /** What the request added, and what the model made of it. */
  readonly items: NodeItems;
  /** Calls that have no output yet at the end of this node. */
  readonly openCalls: OpenCalls;
  /** Tools that items of the chain brought in up to here; the parent's own array where nothing was added. */
  readonly tools: readonly Tool[];
  /** Tokens of the context up to here, as far as they were counted (`tokensAfter`). */
  readonly tokens: number;
  context: NodeContext | null;
  /** Tokens up to here that are not packed, beyond those that a chain keeps as they are (packing.ts). */
  looseTokens: number;
}

/** What a node is made of; the rest is derived from the parent and the new items. */
export interface NodeSource extends Pick<ChainNode, 'id' | 'project' | 'parent' | 'stored' | 'model'> {
  readonly input: readonly Item[];
  readonly output: readonly OutputItem[];
  /** What an engine counted; left out, an estimate. */
  readonly tokens?: number;
}

/**
 * Links a node to its chain, or begins one where it holds a compaction: the nodes before it are let go of.
 * O(its own items). Throws `invalid_request` for an orphaned tool output.
 */
export function createNode(source: NodeSource, context: NodeContext | null): ChainNode {
  const { id, project, stored, model, parent: named, input, output } = source;
  const parent = input.some(isCompaction) || output.some(isCompaction) ? null : named;
  const tokens = source.tokens ?? (named?.tokens ?? 0) + estimateTokens(input) + estimateTokens(output);
  return {
    id,
    project,
    parent,
    stored,
    model,
    items: new NodeItems(input, output),
    openCalls: extendOpenCalls(extendOpenCalls(named?.openCalls ?? noOpenCalls, input), output),
    tools: extendTools(extendTools(named?.tools ?? noTools, input), output),
    tokens,
    context,
    // A context that was cut short has fewer tokens than its parent's: the chain has grown all the same.
    looseTokens: parent ? parent.looseTokens + Math.max(0, tokens - parent.tokens) : tokens - unpackedTokens,
  };
}

const noTools: readonly Tool[] = [];

/** Whether the item stands for everything before it. */
export function isCompaction(item: Item): boolean {
  return item.type === 'compaction';
}

/** The tools of a chain after `items`: `additional_tools` and `tool_search_output` items carry definitions (dossier B.1.1). */
export function extendTools(tools: readonly Tool[], items: readonly Item[]): readonly Tool[] {
  let next = tools;
  for (const item of items) {
    if (item.type !== 'additional_tools' && item.type !== 'tool_search_output') continue;
    const added = (item as { tools?: unknown }).tools;
    if (Array.isArray(added)) next = [...next, ...(added as Tool[])];
  }
  return next;
}
