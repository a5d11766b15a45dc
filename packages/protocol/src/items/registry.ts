/** Item type -> checker. An item is checked by the schema of its own type, so that errors name its exact place. */
import { createChecker, type Checker } from '../check.ts';
import { AdditionalToolsItem } from './additional-tools.ts';
import { ApplyPatchCallItem, ApplyPatchCallOutputItem } from './apply-patch.ts';
import { CodeInterpreterCallItem } from './code-interpreter.ts';
import { CompactionItem, CompactionTriggerItem } from './compaction.ts';
import { ComputerCallItem, ComputerCallOutputItem } from './computer.ts';
import { ConfigurationUpdateItem } from './configuration-update.ts';
import { CustomToolCallItem, CustomToolCallOutputItem } from './custom-tool-call.ts';
import { FileSearchCallItem } from './file-search.ts';
import { FunctionCallItem, FunctionCallOutputItem } from './function-call.ts';
import { ImageGenerationCallItem } from './image-generation.ts';
import { ItemReferenceItem } from './item-reference.ts';
import { LocalShellCallItem, LocalShellCallOutputItem } from './local-shell.ts';
import { McpApprovalRequestItem, McpApprovalResponseItem, McpCallItem, McpListToolsItem } from './mcp.ts';
import { MessageItem } from './message.ts';
import { AgentMessageItem, MultiAgentCallItem, MultiAgentCallOutputItem } from './multi-agent.ts';
import { ProgramItem, ProgramOutputItem } from './program.ts';
import { ReasoningItem } from './reasoning.ts';
import { ShellCallItem, ShellCallOutputItem } from './shell.ts';
import { ToolSearchCallItem, ToolSearchOutputItem } from './tool-search.ts';
import type { ItemType } from './unions.ts';
import { WebSearchCallItem } from './web-search.ts';

/** Schemas of items as they stand in a history. */
export const itemSchemas = {
  message: MessageItem,
  reasoning: ReasoningItem,
  function_call: FunctionCallItem,
  function_call_output: FunctionCallOutputItem,
  custom_tool_call: CustomToolCallItem,
  custom_tool_call_output: CustomToolCallOutputItem,
  web_search_call: WebSearchCallItem,
  file_search_call: FileSearchCallItem,
  code_interpreter_call: CodeInterpreterCallItem,
  image_generation_call: ImageGenerationCallItem,
  computer_call: ComputerCallItem,
  computer_call_output: ComputerCallOutputItem,
  local_shell_call: LocalShellCallItem,
  local_shell_call_output: LocalShellCallOutputItem,
  shell_call: ShellCallItem,
  shell_call_output: ShellCallOutputItem,
  apply_patch_call: ApplyPatchCallItem,
  apply_patch_call_output: ApplyPatchCallOutputItem,
  mcp_list_tools: McpListToolsItem,
  mcp_approval_request: McpApprovalRequestItem,
  mcp_approval_response: McpApprovalResponseItem,
  mcp_call: McpCallItem,
  tool_search_call: ToolSearchCallItem,
  tool_search_output: ToolSearchOutputItem,
  additional_tools: AdditionalToolsItem,
  configuration_update: ConfigurationUpdateItem,
  compaction: CompactionItem,
  compaction_trigger: CompactionTriggerItem,
  item_reference: ItemReferenceItem,
  program: ProgramItem,
  program_output: ProgramOutputItem,
  agent_message: AgentMessageItem,
  multi_agent_call: MultiAgentCallItem,
  multi_agent_call_output: MultiAgentCallOutputItem,
} as const satisfies Record<ItemType, object>;

const checkers: ReadonlyMap<string, Checker<unknown>> = new Map(
  Object.entries(itemSchemas).map(([type, schema]) => [type, createChecker(schema)]),
);

/** The checker of an item type, undefined for a type that we do not know. */
export function checkerOfItem(type: string): Checker<unknown> | undefined {
  return checkers.get(type);
}
