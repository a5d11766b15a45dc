/** The language that Longwire's server and client speak. */
export {
  ProtocolError,
  catalogue,
  errors,
  toErrorBody,
  toErrorEvent,
  toErrorHeaders,
  toHttpErrorBody,
  toProtocolError,
  toResponseError,
  type ErrorBody,
  type ErrorCode,
  type ErrorEntry,
  type ErrorEvent,
} from './errors.ts';
export { adviceForCloseCode, closeCodes, type CloseAdvice, type CloseReason } from './close-codes.ts';
export { createCallId, createId, createItemId, createResponseId, randomAlphanumeric } from './ids.ts';
export {
  Annotation,
  InputFile,
  InputImage,
  InputPart,
  InputText,
  Logprob,
  MessagePart,
  OutputPart,
  OutputText,
  PromptCacheBreakpoint,
  ReasoningText,
  Refusal,
  ReplayedText,
  SummaryText,
} from './content.ts';
export {
  ContextManagement,
  Includable,
  JsonSchemaFormat,
  Metadata,
  ModerationSettings,
  PromptCacheOptions,
  PromptCacheRetention,
  PromptReference,
  ReasoningEffort,
  ReasoningSettings,
  ServiceTier,
  TextFormat,
  TextSettings,
  Truncation,
} from './settings.ts';
export {
  AllowedToolsChoice,
  CustomChoice,
  FunctionChoice,
  HostedToolChoice,
  McpChoice,
  ToolChoice,
  ToolChoiceMode,
  UnnamedToolChoice,
} from './tools/choice.ts';
export {
  AllowedCallers,
  CustomTool,
  EchoedFunctionTool,
  FunctionTool,
  NamespaceTool,
  ToolSearchTool,
} from './tools/client.ts';
export {
  ApplyPatchTool,
  CodeInterpreterTool,
  ComputerTool,
  ComputerUsePreviewTool,
  FileSearchTool,
  ImageGenerationTool,
  LocalShellTool,
  McpTool,
  ProgrammaticToolCallingTool,
  ShellTool,
  WebSearchPreviewTool,
  WebSearchTool,
} from './tools/hosted.ts';
export { checkTools, toolSchemas } from './tools/registry.ts';
export { EchoedTools, Tools, type EchoedTool, type KnownTool, type OpaqueTool, type Tool } from './tools/unions.ts';
export { AdditionalToolsItem, OutputAdditionalToolsItem } from './items/additional-tools.ts';
export {
  ApplyPatchCallItem,
  ApplyPatchCallOutputItem,
  OutputApplyPatchCallItem,
  OutputApplyPatchCallOutputItem,
  PatchOperation,
} from './items/apply-patch.ts';
export { CodeInterpreterCallItem, OutputCodeInterpreterCallItem } from './items/code-interpreter.ts';
export { CompactionItem, CompactionTriggerItem, OutputCompactionItem } from './items/compaction.ts';
export {
  ComputerAction,
  ComputerCallItem,
  ComputerCallOutputItem,
  OutputComputerCallItem,
  OutputComputerCallOutputItem,
} from './items/computer.ts';
export { ConfigurationUpdateItem } from './items/configuration-update.ts';
export {
  CustomToolCallItem,
  CustomToolCallOutputItem,
  OutputCustomToolCallItem,
  OutputCustomToolCallOutputItem,
} from './items/custom-tool-call.ts';
export { FileSearchCallItem, FileSearchResult, OutputFileSearchCallItem } from './items/file-search.ts';
export {
  FunctionCallItem,
  FunctionCallOutputItem,
  OutputFunctionCallItem,
  OutputFunctionCallOutputItem,
  ToolOutput,
} from './items/function-call.ts';
export { ImageGenerationCallItem, OutputImageGenerationCallItem } from './items/image-generation.ts';
export { InputItemReference, ItemReferenceItem } from './items/item-reference.ts';
export { Caller, ItemStatus, type OpaqueItem } from './items/item.ts';
export { LocalShellCallItem, LocalShellCallOutputItem, OutputLocalShellCallItem } from './items/local-shell.ts';
export {
  McpApprovalRequestItem,
  McpApprovalResponseItem,
  McpCallError,
  McpCallItem,
  McpListToolsItem,
  OutputMcpApprovalResponseItem,
  OutputMcpCallItem,
  OutputMcpListToolsItem,
} from './items/mcp.ts';
export { InputMessage, MessageItem, MessagePhase, OutputMessageItem } from './items/message.ts';
export { AgentMessageItem, MultiAgentCallItem, MultiAgentCallOutputItem } from './items/multi-agent.ts';
export { createUserMessage, parseInput, parseItems } from './items/parse.ts';
export { ProgramItem, ProgramOutputItem } from './items/program.ts';
export { OutputReasoningItem, ReasoningItem } from './items/reasoning.ts';
export { itemSchemas } from './items/registry.ts';
export {
  OutputShellCallItem,
  OutputShellCallOutputItem,
  ShellCallItem,
  ShellCallOutputItem,
  ShellOutput,
} from './items/shell.ts';
export {
  OutputToolSearchCallItem,
  OutputToolSearchOutputItem,
  ToolSearchCallItem,
  ToolSearchOutputItem,
} from './items/tool-search.ts';
export { type InputItem, type Item, type ItemType, type KnownItem, type OutputItem } from './items/unions.ts';
export { OutputWebSearchCallItem, WebSearchCallItem } from './items/web-search.ts';
export { Usage, createUsage, type UsageCounts } from './usage.ts';
export {
  IncompleteReason,
  InputTransformation,
  Response,
  ResponseError,
  ResponseSettings,
  ResponseStatus,
  createResponse,
  resolveSettings,
  type ResponseSeed,
} from './response.ts';
export {
  CreateSettings,
  ResponseCancelEvent,
  ResponseInjectEvent,
  ResponseProcessedEvent,
  ResponseSteerEvent,
  SteerInput,
  type ClientEvent,
  type ClientEventType,
  type CreateBody,
  type CreateRequest,
  type ResponseCreateEvent,
} from './client-events.ts';
export {
  parseCancel,
  parseCreateRequest,
  parseFrame,
  parseInject,
  toClientFrame,
  type CancelRequest,
  type ClientFrame,
  type InjectRequest,
  type RequestTransport,
} from './request.ts';
export { parseTrace, toTraceHeaders, traceIdOf, traceOf, type Trace } from './trace.ts';
export { hasIdempotencyKey, idempotencyField, idempotencyHeader, parseIdempotencyKey } from './idempotency.ts';
export {
  AckEvent,
  ordinalField,
  parseAck,
  parseResumeRequest,
  resumeHeader,
  resumeParameter,
  takeOrdinal,
  type ConnectionEvent,
  type ResumeRequest,
} from './resume.ts';
export { parseSteer, type SteerRequest, type SteerResult } from './steer.ts';
export {
  eventSchemas,
  parseServerEvent,
  type KnownEvent,
  type OpaqueEvent,
  type ServerEvent,
  type ServerEventType,
  type TerminalEvent,
} from './server-events.ts';
export {
  CustomToolCallInputDeltaEvent,
  CustomToolCallInputDoneEvent,
  FunctionCallArgumentsDeltaEvent,
  FunctionCallArgumentsDoneEvent,
  McpCallArgumentsDeltaEvent,
  McpCallArgumentsDoneEvent,
  ShellCallCommandAddedEvent,
  ShellCallCommandDeltaEvent,
  ShellCallCommandDoneEvent,
  ShellCallOutputContentDeltaEvent,
  ShellCallOutputContentDoneEvent,
} from './server-events/calls.ts';
export { FlatErrorEvent, NestedErrorEvent } from './server-events/error.ts';
export {
  CodeInterpreterCallCodeDeltaEvent,
  CodeInterpreterCallCodeDoneEvent,
  CodeInterpreterCallCompletedEvent,
  CodeInterpreterCallInProgressEvent,
  CodeInterpreterCallInterpretingEvent,
  CompactionCompactingEvent,
  FileSearchCallCompletedEvent,
  FileSearchCallInProgressEvent,
  FileSearchCallSearchingEvent,
  ImageGenerationCallCompletedEvent,
  ImageGenerationCallGeneratingEvent,
  ImageGenerationCallInProgressEvent,
  ImageGenerationCallPartialImageEvent,
  McpCallCompletedEvent,
  McpCallFailedEvent,
  McpCallInProgressEvent,
  McpListToolsCompletedEvent,
  McpListToolsFailedEvent,
  McpListToolsInProgressEvent,
  WebSearchCallCompletedEvent,
  WebSearchCallInProgressEvent,
  WebSearchCallSearchingEvent,
} from './server-events/hosted-tools.ts';
export {
  KeepaliveEvent,
  ResponseCompletedEvent,
  ResponseCreatedEvent,
  ResponseFailedEvent,
  ResponseInProgressEvent,
  ResponseIncompleteEvent,
  ResponseQueuedEvent,
} from './server-events/lifecycle.ts';
export {
  ContentPartAddedEvent,
  ContentPartDoneEvent,
  OutputItemAddedEvent,
  OutputItemDoneEvent,
} from './server-events/output.ts';
export {
  ReasoningSummaryPartAddedEvent,
  ReasoningSummaryPartDoneEvent,
  ReasoningSummaryTextDeltaEvent,
  ReasoningSummaryTextDoneEvent,
  ReasoningTextDeltaEvent,
  ReasoningTextDoneEvent,
} from './server-events/reasoning.ts';
export {
  InjectCreatedEvent,
  InjectFailedEvent,
  SteerAcceptedEvent,
  SteerErrorCode,
  SteerFailedEvent,
  SteerPendingEvent,
  SteerRequiredInput,
} from './server-events/steering.ts';
export {
  AudioDeltaEvent,
  AudioDoneEvent,
  AudioTranscriptDeltaEvent,
  AudioTranscriptDoneEvent,
  OutputTextAnnotationAddedEvent,
  OutputTextDeltaEvent,
  OutputTextDoneEvent,
  RefusalDeltaEvent,
  RefusalDoneEvent,
} from './server-events/text.ts';
export {
  Conversation,
  ConversationBody,
  ConversationItemsBody,
  ConversationUpdate,
  parseConversation,
  parseConversationItems,
  parseConversationUpdate,
} from './conversation.ts';
export { createOpenApiDocument } from './openapi.ts';
export { toSeen, type Seen } from './seen.ts';
export { encodeSse, sseDone } from './sse.ts';
export { parseJsonObject, parseJsonObjectOfAnyDepth } from './json.ts';
export { ResponseFold, foldResponse } from './fold.ts';
