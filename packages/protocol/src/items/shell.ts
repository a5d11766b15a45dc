/** The shell tool: several commands in a call, run by the client or in a container. */
import { extend, type Static, Type } from '../schema.ts';
import { Caller, made, replayed } from './item.ts';

const ShellEnvironment = Type.Union([
  Type.Object({ type: Type.Literal('local') }),
  Type.Object({ type: Type.Literal('container_reference'), container_id: Type.String() }),
]);

/** Commands to run. Times are milliseconds, lengths characters. */
export const ShellCallItem = Type.Object({
  type: Type.Literal('shell_call'),
  call_id: Type.String(),
  action: Type.Object({
    commands: Type.Array(Type.String()),
    max_output_length: Type.Maybe(Type.Number()),
    timeout_ms: Type.Maybe(Type.Number()),
  }),
  environment: Type.Maybe(ShellEnvironment),
  caller: Type.Maybe(Caller),
  ...replayed,
});
export type ShellCallItem = Static<typeof ShellCallItem>;

/** The same as a response makes it. */
export const OutputShellCallItem = extend(ShellCallItem, {
  ...made,
  action: Type.Object({
    commands: Type.Array(Type.String()),
    max_output_length: Type.Nullable(Type.Number()),
    timeout_ms: Type.Nullable(Type.Number()),
  }),
  environment: Type.Nullable(ShellEnvironment),
  created_by: Type.Optional(Type.String()),
});
export type OutputShellCallItem = Static<typeof OutputShellCallItem>;

/** What one command printed and how it ended. */
export const ShellOutput = Type.Object({
  stdout: Type.String(),
  stderr: Type.String(),
  outcome: Type.Union([
    Type.Object({ type: Type.Literal('timeout') }),
    Type.Object({ type: Type.Literal('exit'), exit_code: Type.Integer() }),
  ]),
  created_by: Type.Optional(Type.String()),
});
export type ShellOutput = Static<typeof ShellOutput>;

/** What the commands printed, in their order. */
export const ShellCallOutputItem = Type.Object({
  type: Type.Literal('shell_call_output'),
  call_id: Type.String(),
  output: Type.Array(ShellOutput),
  max_output_length: Type.Maybe(Type.Number()),
  caller: Type.Maybe(Caller),
  ...replayed,
});
export type ShellCallOutputItem = Static<typeof ShellCallOutputItem>;

/** The same as a response makes it. */
export const OutputShellCallOutputItem = extend(ShellCallOutputItem, {
  ...made,
  max_output_length: Type.Nullable(Type.Number()),
  created_by: Type.Optional(Type.String()),
});
export type OutputShellCallOutputItem = Static<typeof OutputShellCallOutputItem>;
