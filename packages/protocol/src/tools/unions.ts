/** Any tool: as a request offers it, as a response echoes it. */
import { type Opaque, type Static, Type } from '../schema.ts';
import type { CustomTool, EchoedFunctionTool, FunctionTool, NamespaceTool, ToolSearchTool } from './client.ts';
import type {
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
} from './hosted.ts';

/** A tool of a known type. */
export type KnownTool =
  | FunctionTool
  | CustomTool
  | NamespaceTool
  | ToolSearchTool
  | WebSearchTool
  | WebSearchPreviewTool
  | FileSearchTool
  | CodeInterpreterTool
  | ImageGenerationTool
  | ComputerTool
  | ComputerUsePreviewTool
  | McpTool
  | LocalShellTool
  | ShellTool
  | ApplyPatchTool
  | ProgrammaticToolCallingTool;

/** A tool of a type that we do not know, kept as it came. */
export type OpaqueTool = Opaque;

/** Any tool that a request offers. */
export type Tool = KnownTool | OpaqueTool;

/** A tool as a response echoes it. */
export type EchoedTool = Exclude<Tool, FunctionTool> | EchoedFunctionTool;

const typedObjects = Type.Array(Type.Object({ type: Type.String() }));

/** The tools of a request. Only `type` is checked here; each tool is checked by the schema of its type. */
export const Tools = Type.Unsafe<Tool[]>(typedObjects);
export type Tools = Static<typeof Tools>;

/** The tools of a response. */
export const EchoedTools = Type.Unsafe<EchoedTool[]>(typedObjects);
export type EchoedTools = Static<typeof EchoedTools>;
