/** The tools of a request as functions of the chat wire, and the way back from a function's name to the tool that it is. */
import { errors, type CustomTool, type FunctionTool, type NamespaceTool, type Tool } from '@longwire/protocol';
import { toClientFunction, type ClientToolType } from './client-tools.ts';
import { toChatName } from './tool-names.ts';
import type { ChatFunction, ChatTool } from './wire.ts';

/** What a function of the chat wire stands for. */
export type ToolOrigin =
  | { readonly kind: 'function' | 'custom'; readonly name: string; readonly namespace?: string }
  | { readonly kind: 'client'; readonly type: ClientToolType };

interface CarriedTool {
  readonly chat: ChatTool;
  readonly origin: ToolOrigin;
}

/** The tools of one request, in order, by their names on the chat wire. */
export type ToolTable = ReadonlyMap<string, CarriedTool>;

/**
 * The tools that the model can be given: functions, custom tools, namespaces (flattened) and what the client runs itself.
 *
 * Hosted tools (`web_search`, `file_search`, `mcp`, shells in containers, …) run nowhere behind a chat server and are left out: clients such as Codex
 * send `web_search` with every request and do not depend on it. A tool that comes twice counts with its later definition, in its
 * earlier place. Throws `invalid_value` when two different tools would share a name.
 */
export function toToolTable(tools: readonly Tool[]): ToolTable {
  const table = new Map<string, CarriedTool>();
  const add = (origin: ToolOrigin, definition: ChatFunction): void => {
    const { name } = definition;
    const present = table.get(name);
    if (present && !isSameOrigin(present.origin, origin)) {
      throw errors.invalidValue(
        'tools',
        `two different tools would both be called '${name}' by the model. Rename one.`,
      );
    }
    table.set(name, { chat: { type: 'function', function: definition }, origin });
  };

  for (const tool of tools) {
    switch (tool.type) {
      case 'function':
        add({ kind: 'function', name: tool.name }, toFunction(tool));
        break;
      case 'custom':
        add({ kind: 'custom', name: tool.name }, toCustomFunction(tool));
        break;
      case 'namespace':
        for (const member of tool.tools) addMember(add, tool, member);
        break;
      case 'local_shell':
      case 'apply_patch':
        add({ kind: 'client', type: tool.type }, toClientFunction(tool));
        break;
      case 'shell':
        if (!tool.environment?.type.startsWith('container')) {
          add({ kind: 'client', type: tool.type }, toClientFunction(tool));
        }
        break;
      case 'tool_search':
        if (tool.execution === 'client') add({ kind: 'client', type: tool.type }, toClientFunction(tool));
        break;
      default:
        break;
    }
  }
  return table;
}

function addMember(
  add: (origin: ToolOrigin, definition: ChatFunction) => void,
  parent: NamespaceTool,
  member: NamespaceTool['tools'][number],
): void {
  const names = { name: member.name, namespace: parent.name };
  const definition = member.type === 'custom' ? toCustomFunction(member) : toFunction(member);
  add({ kind: member.type, ...names }, { ...definition, name: toChatName(member.name, parent.name) });
}

function toFunction(tool: FunctionTool): ChatFunction {
  return {
    name: toChatName(tool.name),
    ...(tool.description != null && { description: tool.description }),
    parameters: tool.parameters ?? { type: 'object', properties: {} },
    ...(tool.strict === true && { strict: true }),
  };
}

/** What a model is told of a custom tool, its grammar included: not every engine can enforce that. Empty where there is nothing to say. */
export function toCustomDescription({ description = '', format }: CustomTool): string {
  const rules =
    format?.type === 'grammar' ? `The input must follow this ${format.syntax} grammar:\n${format.definition}` : '';
  return [description, rules].filter((each) => each !== '').join('\n\n');
}

/** Free text as a function of one string. */
function toCustomFunction(tool: CustomTool): ChatFunction {
  const description = toCustomDescription(tool);
  return {
    name: toChatName(tool.name),
    ...(description !== '' && { description }),
    parameters: {
      type: 'object',
      properties: { input: { type: 'string', description: 'The whole input of the tool, as plain text.' } },
      required: ['input'],
      additionalProperties: false,
    },
  };
}

function isSameOrigin(a: ToolOrigin, b: ToolOrigin): boolean {
  if (a.kind === 'client' || b.kind === 'client') return a.kind === b.kind;
  return a.kind === b.kind && a.name === b.name && a.namespace === b.namespace;
}
