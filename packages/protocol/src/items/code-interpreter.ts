/** Code that a hosted interpreter ran. */
import { extend, type Static, Type } from '../schema.ts';

const CodeInterpreterStatus = Type.Enum(['in_progress', 'completed', 'incomplete', 'interpreting', 'failed']);

const CodeInterpreterOutput = Type.Union([
  Type.Object({ type: Type.Literal('logs'), logs: Type.String() }),
  Type.Object({ type: Type.Literal('image'), url: Type.String() }),
]);

/** Code, and what it printed or drew. */
export const CodeInterpreterCallItem = Type.Object({
  type: Type.Literal('code_interpreter_call'),
  id: Type.Maybe(Type.String()),
  status: Type.Maybe(CodeInterpreterStatus),
  container_id: Type.Maybe(Type.String()),
  code: Type.Nullable(Type.String()),
  outputs: Type.Maybe(Type.Array(CodeInterpreterOutput)),
});
export type CodeInterpreterCallItem = Static<typeof CodeInterpreterCallItem>;

/** The same as a response makes it. */
export const OutputCodeInterpreterCallItem = extend(CodeInterpreterCallItem, {
  id: Type.String(),
  status: CodeInterpreterStatus,
  container_id: Type.String(),
  outputs: Type.Nullable(Type.Array(CodeInterpreterOutput)),
});
export type OutputCodeInterpreterCallItem = Static<typeof OutputCodeInterpreterCallItem>;
