/** Calls of the client's free-text tools, and their outputs. */
import { extend, type Static, Type } from '../schema.ts';
import { ToolOutput } from './function-call.ts';
import { Caller, ItemStatus, made, replayed } from './item.ts';

/** A call of a free-text tool. */
export const CustomToolCallItem = Type.Object({
  type: Type.Literal('custom_tool_call'),
  call_id: Type.String(),
  name: Type.String(),
  input: Type.String(),
  namespace: Type.Maybe(Type.String()),
  async: Type.Maybe(Type.Boolean()),
  caller: Type.Maybe(Caller),
  ...replayed,
});
export type CustomToolCallItem = Static<typeof CustomToolCallItem>;

/** The same as a response makes it. */
export const OutputCustomToolCallItem = extend(CustomToolCallItem, {
  id: Type.Optional(Type.String()),
  status: Type.Optional(ItemStatus),
  namespace: Type.Optional(Type.String()),
  async: Type.Optional(Type.Boolean()),
  created_by: Type.Optional(Type.String()),
});
export type OutputCustomToolCallItem = Static<typeof OutputCustomToolCallItem>;

/** What it returned. */
export const CustomToolCallOutputItem = Type.Object({
  type: Type.Literal('custom_tool_call_output'),
  call_id: Type.String(),
  output: ToolOutput,
  name: Type.Maybe(Type.String()),
  caller: Type.Maybe(Caller),
  ...replayed,
});
export type CustomToolCallOutputItem = Static<typeof CustomToolCallOutputItem>;

/** The same as a response makes it. */
export const OutputCustomToolCallOutputItem = extend(CustomToolCallOutputItem, { ...made });
export type OutputCustomToolCallOutputItem = Static<typeof OutputCustomToolCallOutputItem>;
