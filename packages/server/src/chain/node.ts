/** History as a chain of immutable nodes, one per response (design: "The one idea"). */
import type { Item, OutputItem, Tool } from '@longwire/protocol';
import { extendOpenCalls, noOpenCalls, type OpenCalls } from './tool-calls.ts';

/** What an engine prepared of a chain up to and including a node. */
export interface NodeContext {
  readonly engine: string;
  readonly context: unknown;
}

/** One response in a chain. Everything but `context`, a cache that can be derived again, never changes. */
export interface ChainNode {
  /** The response's id. */
  readonly id: string;
  readonly project: string;
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
  context: NodeContext | null;
}

/** What a node is made of; the rest is derived from the parent and the new items. */
export type NodeSource = Pick<ChainNode, 'id' | 'project' | 'parent' | 'stored' | 'model' | 'input' | 'output'>;

/** Links a node to its chain: O(its own items). Throws `invalid_request` for an orphaned tool output. */
export function createNode(source: NodeSource, context: NodeContext | null): ChainNode {
  const { parent, input, output } = source;
  const afterInput = extendOpenCalls(parent?.openCalls ?? noOpenCalls, input);
  return {
    ...source,
    openCalls: extendOpenCalls(afterInput, output),
    tools: extendTools(extendTools(parent?.tools ?? [], input), output),
    context,
  };
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
