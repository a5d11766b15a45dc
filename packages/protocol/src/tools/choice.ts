/** `tool_choice` in all its forms (dossier B.1). */
import { AnyObject, type Static, Type } from '../schema.ts';

/** Whether the model may, must or must not call tools. */
export const ToolChoiceMode = Type.Enum(['none', 'auto', 'required']);
export type ToolChoiceMode = Static<typeof ToolChoiceMode>;

/** A choice among some of the request's tools. */
export const AllowedToolsChoice = Type.Object({
  type: Type.Literal('allowed_tools'),
  mode: Type.Enum(['auto', 'required']),
  tools: Type.Array(AnyObject),
});
export type AllowedToolsChoice = Static<typeof AllowedToolsChoice>;

/** One function, by its name. */
export const FunctionChoice = Type.Object({ type: Type.Literal('function'), name: Type.String() });
export type FunctionChoice = Static<typeof FunctionChoice>;

/** One custom tool, by its name. */
export const CustomChoice = Type.Object({ type: Type.Literal('custom'), name: Type.String() });
export type CustomChoice = Static<typeof CustomChoice>;

/** An MCP server, or one of its tools. */
export const McpChoice = Type.Object({
  type: Type.Literal('mcp'),
  server_label: Type.String(),
  name: Type.Maybe(Type.String()),
});
export type McpChoice = Static<typeof McpChoice>;

/** A hosted tool, by its type alone. */
export const HostedToolChoice = Type.Object({
  type: Type.Enum([
    'file_search',
    'web_search_preview',
    'web_search_preview_2025_03_11',
    'computer',
    'computer_use',
    'computer_use_preview',
    'image_generation',
    'code_interpreter',
    'mcp',
  ]),
});
export type HostedToolChoice = Static<typeof HostedToolChoice>;

/** A tool that the client runs and that has no name, by its type. */
export const UnnamedToolChoice = Type.Union([
  Type.Object({ type: Type.Literal('apply_patch') }),
  Type.Object({ type: Type.Literal('shell') }),
  Type.Object({ type: Type.Literal('programmatic_tool_calling') }),
]);
export type UnnamedToolChoice = Static<typeof UnnamedToolChoice>;

/** Which tools the model may or must call. */
export const ToolChoice = Type.Union([
  ToolChoiceMode,
  AllowedToolsChoice,
  FunctionChoice,
  CustomChoice,
  McpChoice,
  HostedToolChoice,
  UnnamedToolChoice,
]);
export type ToolChoice = Static<typeof ToolChoice>;
