/** Calls of the client's functions, and their outputs. */
import { InputPart } from '../content.ts';
import { extend, type Static, Type } from '../schema.ts';
import { Caller, ItemStatus, made, replayed } from './item.ts';

/** A call of a function. */
export const FunctionCallItem = Type.Object({
  type: Type.Literal('function_call'),
  call_id: Type.String(),
  name: Type.String(),
  /** JSON, as the model wrote it: not always valid. */
  arguments: Type.String(),
  namespace: Type.Maybe(Type.String()),
  /** The turn goes on without the output; it may come in a later request (dossier Q.2). */
  async: Type.Maybe(Type.Boolean()),
  caller: Type.Maybe(Caller),
  ...replayed,
});
export type FunctionCallItem = Static<typeof FunctionCallItem>;

/** The same as a response makes it. */
export const OutputFunctionCallItem = extend(FunctionCallItem, {
  id: Type.Optional(Type.String()),
  status: Type.Optional(ItemStatus),
  namespace: Type.Optional(Type.String()),
  async: Type.Optional(Type.Boolean()),
  created_by: Type.Optional(Type.String()),
});
export type OutputFunctionCallItem = Static<typeof OutputFunctionCallItem>;

/** What a tool returns: text, or parts. */
export const ToolOutput = Type.Union([Type.String(), Type.Array(InputPart)]);
export type ToolOutput = Static<typeof ToolOutput>;

/** `call_id` may be missing where an asynchronous tool answers by `name` (dossier Q.2). */
export const FunctionCallOutputItem = Type.Object({
  type: Type.Literal('function_call_output'),
  call_id: Type.Maybe(Type.String()),
  output: ToolOutput,
  name: Type.Maybe(Type.String()),
  namespace: Type.Maybe(Type.String()),
  caller: Type.Maybe(Caller),
  ...replayed,
});
export type FunctionCallOutputItem = Static<typeof FunctionCallOutputItem>;

/** The same as a response makes it. */
export const OutputFunctionCallOutputItem = extend(FunctionCallOutputItem, {
  ...made,
  call_id: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  namespace: Type.Optional(Type.String()),
});
export type OutputFunctionCallOutputItem = Static<typeof OutputFunctionCallOutputItem>;
