/** Changes of files that the client applies. */
import { extend, type Static, Type } from '../schema.ts';
import { Caller } from './item.ts';

/** One change: a file created, updated or deleted. */
export const PatchOperation = Type.Union([
  Type.Object({ type: Type.Literal('create_file'), path: Type.String(), diff: Type.String() }),
  Type.Object({ type: Type.Literal('update_file'), path: Type.String(), diff: Type.String() }),
  Type.Object({ type: Type.Literal('delete_file'), path: Type.String() }),
]);
export type PatchOperation = Static<typeof PatchOperation>;

/** A change that the client is asked to make. */
export const ApplyPatchCallItem = Type.Object({
  type: Type.Literal('apply_patch_call'),
  id: Type.Maybe(Type.String()),
  status: Type.Maybe(Type.Enum(['in_progress', 'completed'])),
  call_id: Type.String(),
  operation: PatchOperation,
  caller: Type.Maybe(Caller),
});
export type ApplyPatchCallItem = Static<typeof ApplyPatchCallItem>;

/** The same as a response makes it. */
export const OutputApplyPatchCallItem = extend(ApplyPatchCallItem, {
  id: Type.String(),
  status: Type.Enum(['in_progress', 'completed']),
  created_by: Type.Optional(Type.String()),
});
export type OutputApplyPatchCallItem = Static<typeof OutputApplyPatchCallItem>;

/** Whether it could be made. */
export const ApplyPatchCallOutputItem = Type.Object({
  type: Type.Literal('apply_patch_call_output'),
  id: Type.Maybe(Type.String()),
  status: Type.Enum(['completed', 'failed']),
  call_id: Type.String(),
  output: Type.Maybe(Type.String()),
  caller: Type.Maybe(Caller),
});
export type ApplyPatchCallOutputItem = Static<typeof ApplyPatchCallOutputItem>;

/** The same as a response makes it. */
export const OutputApplyPatchCallOutputItem = extend(ApplyPatchCallOutputItem, {
  id: Type.String(),
  created_by: Type.Optional(Type.String()),
});
export type OutputApplyPatchCallOutputItem = Static<typeof OutputApplyPatchCallOutputItem>;
