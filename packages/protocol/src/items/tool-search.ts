/** Searches for tools that were deferred, and the tools that they brought in. */
import { extend, type Static, Type } from '../schema.ts';
import { Tools } from '../tools/unions.ts';
import { made, replayed } from './item.ts';

const Execution = Type.Enum(['server', 'client']);

export const ToolSearchCallItem = Type.Object({
  type: Type.Literal('tool_search_call'),
  call_id: Type.Maybe(Type.String()),
  arguments: Type.Unknown(),
  execution: Type.Maybe(Execution),
  ...replayed,
});
export type ToolSearchCallItem = Static<typeof ToolSearchCallItem>;

export const OutputToolSearchCallItem = extend(ToolSearchCallItem, {
  ...made,
  call_id: Type.Nullable(Type.String()),
  execution: Execution,
  created_by: Type.Optional(Type.String()),
});
export type OutputToolSearchCallItem = Static<typeof OutputToolSearchCallItem>;

export const ToolSearchOutputItem = Type.Object({
  type: Type.Literal('tool_search_output'),
  call_id: Type.Maybe(Type.String()),
  execution: Type.Maybe(Execution),
  tools: Tools,
  ...replayed,
});
export type ToolSearchOutputItem = Static<typeof ToolSearchOutputItem>;
