/** The three unions of items: as a client may write them, as they stand in a history, as a response makes them. */
import type { AdditionalToolsItem, OutputAdditionalToolsItem } from './additional-tools.ts';
import type {
  ApplyPatchCallItem,
  ApplyPatchCallOutputItem,
  OutputApplyPatchCallItem,
  OutputApplyPatchCallOutputItem,
} from './apply-patch.ts';
import type { CodeInterpreterCallItem, OutputCodeInterpreterCallItem } from './code-interpreter.ts';
import type { CompactionItem, CompactionTriggerItem, OutputCompactionItem } from './compaction.ts';
import type {
  ComputerCallItem,
  ComputerCallOutputItem,
  OutputComputerCallItem,
  OutputComputerCallOutputItem,
} from './computer.ts';
import type { ConfigurationUpdateItem } from './configuration-update.ts';
import type {
  CustomToolCallItem,
  CustomToolCallOutputItem,
  OutputCustomToolCallItem,
  OutputCustomToolCallOutputItem,
} from './custom-tool-call.ts';
import type { FileSearchCallItem, OutputFileSearchCallItem } from './file-search.ts';
import type {
  FunctionCallItem,
  FunctionCallOutputItem,
  OutputFunctionCallItem,
  OutputFunctionCallOutputItem,
} from './function-call.ts';
import type { ImageGenerationCallItem, OutputImageGenerationCallItem } from './image-generation.ts';
import type { InputItemReference, ItemReferenceItem } from './item-reference.ts';
import type { OpaqueItem } from './item.ts';
import type { LocalShellCallItem, LocalShellCallOutputItem, OutputLocalShellCallItem } from './local-shell.ts';
import type {
  McpApprovalRequestItem,
  McpApprovalResponseItem,
  McpCallItem,
  McpListToolsItem,
  OutputMcpApprovalResponseItem,
  OutputMcpCallItem,
  OutputMcpListToolsItem,
} from './mcp.ts';
import type { InputMessage, MessageItem, OutputMessageItem } from './message.ts';
import type { AgentMessageItem, MultiAgentCallItem, MultiAgentCallOutputItem } from './multi-agent.ts';
import type { ProgramItem, ProgramOutputItem } from './program.ts';
import type { OutputReasoningItem, ReasoningItem } from './reasoning.ts';
import type { OutputShellCallItem, OutputShellCallOutputItem, ShellCallItem, ShellCallOutputItem } from './shell.ts';
import type {
  OutputToolSearchCallItem,
  OutputToolSearchOutputItem,
  ToolSearchCallItem,
  ToolSearchOutputItem,
} from './tool-search.ts';
import type { OutputWebSearchCallItem, WebSearchCallItem } from './web-search.ts';

/** An item of a known type, as it stands in a history: what a client sent (ids and states may be missing) or a response made. */
export type KnownItem =
  | MessageItem
  | ReasoningItem
  | FunctionCallItem
  | FunctionCallOutputItem
  | CustomToolCallItem
  | CustomToolCallOutputItem
  | WebSearchCallItem
  | FileSearchCallItem
  | CodeInterpreterCallItem
  | ImageGenerationCallItem
  | ComputerCallItem
  | ComputerCallOutputItem
  | LocalShellCallItem
  | LocalShellCallOutputItem
  | ShellCallItem
  | ShellCallOutputItem
  | ApplyPatchCallItem
  | ApplyPatchCallOutputItem
  | McpListToolsItem
  | McpApprovalRequestItem
  | McpApprovalResponseItem
  | McpCallItem
  | ToolSearchCallItem
  | ToolSearchOutputItem
  | AdditionalToolsItem
  | ConfigurationUpdateItem
  | CompactionItem
  | CompactionTriggerItem
  | ItemReferenceItem
  | ProgramItem
  | ProgramOutputItem
  | AgentMessageItem
  | MultiAgentCallItem
  | MultiAgentCallOutputItem;

/** Any item of a history. */
export type Item = KnownItem | OpaqueItem;

/** An item as a client may write it: messages and references may leave out `type`. */
export type InputItem = Item | InputMessage | InputItemReference;

/** Types of the items that we know. */
export type ItemType = KnownItem['type'];

/** An item that a response makes. Every one is an `Item` too, so that it can be continued from. */
export type OutputItem =
  | OutputMessageItem
  | OutputReasoningItem
  | OutputFunctionCallItem
  | OutputFunctionCallOutputItem
  | OutputCustomToolCallItem
  | OutputCustomToolCallOutputItem
  | OutputWebSearchCallItem
  | OutputFileSearchCallItem
  | OutputCodeInterpreterCallItem
  | OutputImageGenerationCallItem
  | OutputComputerCallItem
  | OutputComputerCallOutputItem
  | OutputLocalShellCallItem
  | LocalShellCallOutputItem
  | OutputShellCallItem
  | OutputShellCallOutputItem
  | OutputApplyPatchCallItem
  | OutputApplyPatchCallOutputItem
  | OutputMcpListToolsItem
  | OutputMcpCallItem
  | McpApprovalRequestItem
  | OutputMcpApprovalResponseItem
  | OutputToolSearchCallItem
  | OutputToolSearchOutputItem
  | OutputAdditionalToolsItem
  | OutputCompactionItem
  | ProgramItem
  | ProgramOutputItem
  | OpaqueItem;
