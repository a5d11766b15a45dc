/** Progress of hosted tools. */
import { type Static, Type } from '../schema.ts';
import { delta, event, inItem } from './event.ts';

export const WebSearchCallInProgressEvent = event('response.web_search_call.in_progress', inItem);
export type WebSearchCallInProgressEvent = Static<typeof WebSearchCallInProgressEvent>;

export const WebSearchCallSearchingEvent = event('response.web_search_call.searching', inItem);
export type WebSearchCallSearchingEvent = Static<typeof WebSearchCallSearchingEvent>;

export const WebSearchCallCompletedEvent = event('response.web_search_call.completed', inItem);
export type WebSearchCallCompletedEvent = Static<typeof WebSearchCallCompletedEvent>;

export const FileSearchCallInProgressEvent = event('response.file_search_call.in_progress', inItem);
export type FileSearchCallInProgressEvent = Static<typeof FileSearchCallInProgressEvent>;

export const FileSearchCallSearchingEvent = event('response.file_search_call.searching', inItem);
export type FileSearchCallSearchingEvent = Static<typeof FileSearchCallSearchingEvent>;

export const FileSearchCallCompletedEvent = event('response.file_search_call.completed', inItem);
export type FileSearchCallCompletedEvent = Static<typeof FileSearchCallCompletedEvent>;

export const CodeInterpreterCallInProgressEvent = event('response.code_interpreter_call.in_progress', inItem);
export type CodeInterpreterCallInProgressEvent = Static<typeof CodeInterpreterCallInProgressEvent>;

export const CodeInterpreterCallInterpretingEvent = event('response.code_interpreter_call.interpreting', inItem);
export type CodeInterpreterCallInterpretingEvent = Static<typeof CodeInterpreterCallInterpretingEvent>;

export const CodeInterpreterCallCompletedEvent = event('response.code_interpreter_call.completed', inItem);
export type CodeInterpreterCallCompletedEvent = Static<typeof CodeInterpreterCallCompletedEvent>;

export const CodeInterpreterCallCodeDeltaEvent = event('response.code_interpreter_call_code.delta', {
  ...inItem,
  ...delta,
});
export type CodeInterpreterCallCodeDeltaEvent = Static<typeof CodeInterpreterCallCodeDeltaEvent>;

export const CodeInterpreterCallCodeDoneEvent = event('response.code_interpreter_call_code.done', {
  ...inItem,
  code: Type.String(),
});
export type CodeInterpreterCallCodeDoneEvent = Static<typeof CodeInterpreterCallCodeDoneEvent>;

export const ImageGenerationCallInProgressEvent = event('response.image_generation_call.in_progress', inItem);
export type ImageGenerationCallInProgressEvent = Static<typeof ImageGenerationCallInProgressEvent>;

export const ImageGenerationCallGeneratingEvent = event('response.image_generation_call.generating', inItem);
export type ImageGenerationCallGeneratingEvent = Static<typeof ImageGenerationCallGeneratingEvent>;

export const ImageGenerationCallPartialImageEvent = event('response.image_generation_call.partial_image', {
  ...inItem,
  partial_image_index: Type.Integer({ minimum: 0 }),
  partial_image_b64: Type.String(),
  size: Type.Optional(Type.String()),
  quality: Type.Optional(Type.String()),
  background: Type.Optional(Type.String()),
  output_format: Type.Optional(Type.String()),
});
export type ImageGenerationCallPartialImageEvent = Static<typeof ImageGenerationCallPartialImageEvent>;

export const ImageGenerationCallCompletedEvent = event('response.image_generation_call.completed', inItem);
export type ImageGenerationCallCompletedEvent = Static<typeof ImageGenerationCallCompletedEvent>;

export const McpListToolsInProgressEvent = event('response.mcp_list_tools.in_progress', inItem);
export type McpListToolsInProgressEvent = Static<typeof McpListToolsInProgressEvent>;

export const McpListToolsCompletedEvent = event('response.mcp_list_tools.completed', inItem);
export type McpListToolsCompletedEvent = Static<typeof McpListToolsCompletedEvent>;

export const McpListToolsFailedEvent = event('response.mcp_list_tools.failed', inItem);
export type McpListToolsFailedEvent = Static<typeof McpListToolsFailedEvent>;

export const McpCallInProgressEvent = event('response.mcp_call.in_progress', inItem);
export type McpCallInProgressEvent = Static<typeof McpCallInProgressEvent>;

export const McpCallCompletedEvent = event('response.mcp_call.completed', inItem);
export type McpCallCompletedEvent = Static<typeof McpCallCompletedEvent>;

export const McpCallFailedEvent = event('response.mcp_call.failed', inItem);
export type McpCallFailedEvent = Static<typeof McpCallFailedEvent>;

/** New summary content is being written; it carries none (dossier H.2). */
export const CompactionCompactingEvent = event('response.compaction.compacting', inItem);
export type CompactionCompactingEvent = Static<typeof CompactionCompactingEvent>;
