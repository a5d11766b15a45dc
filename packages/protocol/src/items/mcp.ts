/** Tools of MCP servers: their listing, calls, and the user's approval of calls. */
import { extend, type Static, Type } from '../schema.ts';

/** The tools that a server has. */
export const McpListToolsItem = Type.Object({
  type: Type.Literal('mcp_list_tools'),
  id: Type.Maybe(Type.String()),
  server_label: Type.String(),
  tools: Type.Array(
    Type.Object({
      name: Type.String(),
      input_schema: Type.Unknown(),
      annotations: Type.Optional(Type.Unknown()),
      description: Type.Maybe(Type.String()),
    }),
  ),
  error: Type.Maybe(Type.String()),
});
export type McpListToolsItem = Static<typeof McpListToolsItem>;

/** The same as a response makes it. */
export const OutputMcpListToolsItem = extend(McpListToolsItem, { id: Type.String() });
export type OutputMcpListToolsItem = Static<typeof OutputMcpListToolsItem>;

/** A call that waits for consent. */
export const McpApprovalRequestItem = Type.Object({
  type: Type.Literal('mcp_approval_request'),
  id: Type.String(),
  name: Type.String(),
  arguments: Type.String(),
  server_label: Type.String(),
});
export type McpApprovalRequestItem = Static<typeof McpApprovalRequestItem>;

/** Consent, or not. */
export const McpApprovalResponseItem = Type.Object({
  type: Type.Literal('mcp_approval_response'),
  id: Type.Maybe(Type.String()),
  approval_request_id: Type.String(),
  approve: Type.Boolean(),
  reason: Type.Maybe(Type.String()),
});
export type McpApprovalResponseItem = Static<typeof McpApprovalResponseItem>;

/** Why a call failed. */
export const McpCallError = Type.Union([
  Type.Object({ type: Type.Literal('mcp_protocol_error'), code: Type.Integer(), message: Type.String() }),
  Type.Object({ type: Type.Literal('mcp_tool_execution_error'), content: Type.Unknown() }),
  Type.Object({ type: Type.Literal('http_error'), code: Type.Integer(), message: Type.String() }),
]);
export type McpCallError = Static<typeof McpCallError>;

/** A call of a tool of a server, with its result. */
export const McpCallItem = Type.Object({
  type: Type.Literal('mcp_call'),
  id: Type.Maybe(Type.String()),
  status: Type.Maybe(Type.Enum(['in_progress', 'completed', 'incomplete', 'calling', 'failed'])),
  name: Type.String(),
  arguments: Type.String(),
  server_label: Type.String(),
  approval_request_id: Type.Maybe(Type.String()),
  output: Type.Maybe(Type.String()),
  error: Type.Maybe(McpCallError),
});
export type McpCallItem = Static<typeof McpCallItem>;

/** The same as a response makes it. */
export const OutputMcpCallItem = extend(McpCallItem, {
  id: Type.String(),
  status: Type.Optional(Type.Enum(['in_progress', 'completed', 'incomplete', 'calling', 'failed'])),
});
export type OutputMcpCallItem = Static<typeof OutputMcpCallItem>;

/** The same as a response makes it. */
export const OutputMcpApprovalResponseItem = extend(McpApprovalResponseItem, { id: Type.String() });
export type OutputMcpApprovalResponseItem = Static<typeof OutputMcpApprovalResponseItem>;
