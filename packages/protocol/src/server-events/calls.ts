/** Arguments and inputs of calls: functions, custom tools, MCP, shell. */
import { ShellOutput } from '../items/shell.ts';
import { type Static, Type } from '../schema.ts';
import { delta, event, inItem } from './event.ts';

export const FunctionCallArgumentsDeltaEvent = event('response.function_call_arguments.delta', { ...inItem, ...delta });
export type FunctionCallArgumentsDeltaEvent = Static<typeof FunctionCallArgumentsDeltaEvent>;

/** `name` is asked for by the OpenAPI document and missing in the recordings (dossier O, 23). */
export const FunctionCallArgumentsDoneEvent = event('response.function_call_arguments.done', {
  ...inItem,
  arguments: Type.String(),
  name: Type.Optional(Type.String()),
});
export type FunctionCallArgumentsDoneEvent = Static<typeof FunctionCallArgumentsDoneEvent>;

export const CustomToolCallInputDeltaEvent = event('response.custom_tool_call_input.delta', { ...inItem, ...delta });
export type CustomToolCallInputDeltaEvent = Static<typeof CustomToolCallInputDeltaEvent>;

export const CustomToolCallInputDoneEvent = event('response.custom_tool_call_input.done', {
  ...inItem,
  input: Type.String(),
});
export type CustomToolCallInputDoneEvent = Static<typeof CustomToolCallInputDoneEvent>;

export const McpCallArgumentsDeltaEvent = event('response.mcp_call_arguments.delta', { ...inItem, ...delta });
export type McpCallArgumentsDeltaEvent = Static<typeof McpCallArgumentsDeltaEvent>;

export const McpCallArgumentsDoneEvent = event('response.mcp_call_arguments.done', {
  ...inItem,
  arguments: Type.String(),
});
export type McpCallArgumentsDoneEvent = Static<typeof McpCallArgumentsDoneEvent>;

/** Where a command stands in a shell call: these events have no `item_id`. */
const inCommand = { output_index: Type.Integer({ minimum: 0 }), command_index: Type.Integer({ minimum: 0 }) };

export const ShellCallCommandAddedEvent = event('response.shell_call_command.added', {
  ...inCommand,
  command: Type.String(),
});
export type ShellCallCommandAddedEvent = Static<typeof ShellCallCommandAddedEvent>;

export const ShellCallCommandDeltaEvent = event('response.shell_call_command.delta', { ...inCommand, ...delta });
export type ShellCallCommandDeltaEvent = Static<typeof ShellCallCommandDeltaEvent>;

export const ShellCallCommandDoneEvent = event('response.shell_call_command.done', {
  ...inCommand,
  command: Type.String(),
});
export type ShellCallCommandDoneEvent = Static<typeof ShellCallCommandDoneEvent>;

export const ShellCallOutputContentDeltaEvent = event('response.shell_call_output_content.delta', {
  ...inCommand,
  item_id: Type.String(),
  delta: Type.Object({ stdout: Type.Optional(Type.String()), stderr: Type.Optional(Type.String()) }),
});
export type ShellCallOutputContentDeltaEvent = Static<typeof ShellCallOutputContentDeltaEvent>;

export const ShellCallOutputContentDoneEvent = event('response.shell_call_output_content.done', {
  ...inCommand,
  item_id: Type.String(),
  output: Type.Array(ShellOutput),
});
export type ShellCallOutputContentDoneEvent = Static<typeof ShellCallOutputContentDoneEvent>;
