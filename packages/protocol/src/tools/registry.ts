/** Tool type -> checker, and the tools of a request. */
import { createChecker, type Checker } from '../check.ts';
import { errors, type ProtocolError } from '../errors.ts';
import { isObject } from '../json-type.ts';
import { nameOf } from '../mismatch.ts';
import { FunctionTool, CustomTool, NamespaceTool, ToolSearchTool } from './client.ts';
import {
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
import type { KnownTool } from './unions.ts';

/** Schemas of tools. */
export const toolSchemas = {
  function: FunctionTool,
  custom: CustomTool,
  namespace: NamespaceTool,
  tool_search: ToolSearchTool,
  web_search: WebSearchTool,
  web_search_2025_08_26: WebSearchTool,
  web_search_preview: WebSearchPreviewTool,
  web_search_preview_2025_03_11: WebSearchPreviewTool,
  file_search: FileSearchTool,
  code_interpreter: CodeInterpreterTool,
  image_generation: ImageGenerationTool,
  computer: ComputerTool,
  computer_use_preview: ComputerUsePreviewTool,
  mcp: McpTool,
  local_shell: LocalShellTool,
  shell: ShellTool,
  apply_patch: ApplyPatchTool,
  programmatic_tool_calling: ProgrammaticToolCallingTool,
} as const satisfies Record<KnownTool['type'], object>;

const checkers: ReadonlyMap<string, Checker<unknown>> = new Map(
  Object.entries(toolSchemas).map(([type, schema]) => [type, createChecker(schema)]),
);

/**
 * Checks each tool by the checker of its own type; tools of unknown types pass. `list` names the tools in errors (`tools`).
 *
 * Throws `missing_required_parameter`, `invalid_type` or `invalid_value`, with the exact place (`tools[3].parameters`) as `param`.
 */
export function checkTools(tools: readonly unknown[], list: string): void {
  for (const [index, tool] of tools.entries()) {
    if (!isValid(tool)) throw mismatchOf(tool, `${list}[${index}]`);
  }
}

function isValid(tool: unknown): boolean {
  if (!isObject(tool) || typeof tool['type'] !== 'string') return false;
  return checkers.get(tool['type'])?.check(tool) ?? true;
}

function mismatchOf(tool: unknown, path: string): ProtocolError {
  if (!isObject(tool)) return errors.invalidType(path, 'an object', nameOf(tool));
  const { type } = tool;
  if (type === undefined) return errors.missing(`${path}.type`);
  const checker = typeof type === 'string' ? checkers.get(type) : undefined;
  return checker?.mismatch(tool, path) ?? errors.invalidType(`${path}.type`, 'a string', nameOf(type));
}
