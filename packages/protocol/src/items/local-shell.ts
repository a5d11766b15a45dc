/** The first shell tool: one command at a time, run by the client. */
import { extend, type Static, Type } from '../schema.ts';
import { made, replayed } from './item.ts';

/** A command that the client is asked to run. */
export const LocalShellCallItem = Type.Object({
  type: Type.Literal('local_shell_call'),
  call_id: Type.String(),
  action: Type.Object({
    type: Type.Literal('exec'),
    command: Type.Array(Type.String()),
    env: Type.Map(Type.String()),
    timeout_ms: Type.Maybe(Type.Number()),
    user: Type.Maybe(Type.String()),
    working_directory: Type.Maybe(Type.String()),
  }),
  ...replayed,
});
export type LocalShellCallItem = Static<typeof LocalShellCallItem>;

/** The same as a response makes it. */
export const OutputLocalShellCallItem = extend(LocalShellCallItem, made);
export type OutputLocalShellCallItem = Static<typeof OutputLocalShellCallItem>;

/** Its `id` is the call's: this family has no `call_id` here. */
export const LocalShellCallOutputItem = Type.Object({
  type: Type.Literal('local_shell_call_output'),
  output: Type.String(),
  ...replayed,
  id: Type.String(),
});
export type LocalShellCallOutputItem = Static<typeof LocalShellCallOutputItem>;
