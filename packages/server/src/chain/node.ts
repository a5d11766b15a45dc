/** History as a chain of immutable nodes, one per response (design: "The one idea"). */
import type { Item, OutputItem, Tool } from '@longwire/protocol';
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

/** One response in a chain. Everything but `context`, a cache that can be derived again, never changes. */
export interface ChainNode {
  /** The response's id. */
  readonly id: string;
  readonly project: string;
  /** Null at the root, and where a compaction among the node's own items stands for everything before them (dossier H). */
  readonly parent: ChainNode | null;
  /** Whether the response is stored, and so may be found without this connection. */
  readonly stored: boolean;
  /** The model that the response named, for requests that leave it out. */
  readonly model: string;
  /** Items that the request added. */
  readonly input: readonly Item[];
  /** Items that the model made. */
  readonly output: readonly OutputItem[];
  /** Calls that have no output yet at the end of this node. */
  readonly openCalls: OpenCalls;
  /** Tools that items of the chain brought in up to here; the parent's own array where nothing was added. */
  readonly tools: readonly Tool[];
  /** Tokens of the context up to here, as far as they were counted (`tokensAfter`). */
  readonly tokens: number;
  context: NodeContext | null;
}

/** What a node is made of; the rest is derived from the parent and the new items. */
export interface NodeSource extends Pick<
  ChainNode,
  'id' | 'project' | 'parent' | 'stored' | 'model' | 'input' | 'output'
> {
  /** What an engine counted; left out, an estimate. */
  readonly tokens?: number;
}

/**
 * Links a node to its chain, or begins one where it holds a compaction: the nodes before it are let go of.
 * O(its own items). Throws `invalid_request` for an orphaned tool output.
 */
export function createNode(source: NodeSource, context: NodeContext | null): ChainNode {
  const { parent, input, output } = source;
  const afterInput = extendOpenCalls(parent?.openCalls ?? noOpenCalls, input);
  return {
    ...source,
    parent: input.some(isCompaction) || output.some(isCompaction) ? null : parent,
    openCalls: extendOpenCalls(afterInput, output),
    tools: extendTools(extendTools(parent?.tools ?? [], input), output),
    tokens: source.tokens ?? (parent?.tokens ?? 0) + estimateTokens(input) + estimateTokens(output),
    context,
  };
}

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
