/** Searches for tools that were deferred, and the tools that they brought in. */
import { extend, type Static, Type } from '../schema.ts';
import { EchoedTools, Tools } from '../tools/unions.ts';
import { made, replayed } from './item.ts';

const Execution = Type.Enum(['server', 'client']);

/** A search for tools. */
export const ToolSearchCallItem = Type.Object({
  type: Type.Literal('tool_search_call'),
  call_id: Type.Maybe(Type.String()),
  arguments: Type.Unknown(),
  execution: Type.Maybe(Execution),
  ...replayed,
});
export type ToolSearchCallItem = Static<typeof ToolSearchCallItem>;

/** The same as a response makes it. */
export const OutputToolSearchCallItem = extend(ToolSearchCallItem, {
  ...made,
  call_id: Type.Nullable(Type.String()),
  execution: Execution,
  created_by: Type.Optional(Type.String()),
});
export type OutputToolSearchCallItem = Static<typeof OutputToolSearchCallItem>;

/** The tools that it found: they can be called from here on. */
export const ToolSearchOutputItem = Type.Object({
  type: Type.Literal('tool_search_output'),
  call_id: Type.Maybe(Type.String()),
  execution: Type.Maybe(Execution),
  tools: Tools,
  ...replayed,
});
export type ToolSearchOutputItem = Static<typeof ToolSearchOutputItem>;

/** The same as a response makes it. */
export const OutputToolSearchOutputItem = extend(ToolSearchOutputItem, {
  ...made,
  call_id: Type.Nullable(Type.String()),
  execution: Execution,
  tools: EchoedTools,
});
export type OutputToolSearchOutputItem = Static<typeof OutputToolSearchOutputItem>;
