/**
 * Tools that the Responses API has types of its own for and that the client runs: shells, patches, the search for deferred
 * tools. A chat server sees each as a function; its calls come back as the item that the client waits for.
 */
import type { Item, OutputItem, Tool } from '@longwire/protocol';
import type { ChatFunction } from './wire.ts';

export type ClientToolType = 'local_shell' | 'shell' | 'apply_patch' | 'tool_search';

export type ClientTool = Extract<Tool, { type: ClientToolType }>;
export type ClientCall = Extract<Item, { type: `${ClientToolType}_call` }>;

const text = { type: 'string' } as const;
const texts = { type: 'array', items: text } as const;
const count = { type: 'integer' } as const;

function object(properties: Record<string, unknown>, required: readonly string[]): unknown {
  return { type: 'object', properties, required, additionalProperties: false };
}

/** The function that stands for the tool on the chat wire: named like its type. */
export function toClientFunction(tool: ClientTool): ChatFunction {
  switch (tool.type) {
    case 'local_shell':
      return {
        name: tool.type,
        description: "Runs one command on the user's machine. Pass the program and each argument as one string.",
        parameters: object({ command: texts, working_directory: text, timeout_ms: count }, ['command']),
      };
    case 'shell':
      return {
        name: tool.type,
        description: "Runs shell commands on the user's machine and returns what they print.",
        parameters: object({ commands: texts, timeout_ms: count, max_output_length: count }, ['commands']),
      };
    case 'apply_patch':
      return {
        name: tool.type,
        description:
          'Creates, updates or deletes one file. `diff` is a V4A diff: required to create and to update, left out to delete.',
        parameters: object(
          { type: { type: 'string', enum: ['create_file', 'update_file', 'delete_file'] }, path: text, diff: text },
          ['type', 'path'],
        ),
      };
    case 'tool_search':
      return {
        name: tool.type,
        description: tool.description ?? 'Searches for further tools and makes those that match available.',
        parameters: tool.parameters ?? object({ query: text }, ['query']),
      };
  }
}

/** The arguments that a call in the history stands for on the chat wire. */
export function toClientArguments(call: ClientCall): unknown {
  switch (call.type) {
    case 'local_shell_call': {
      const { command, working_directory, timeout_ms } = call.action;
      return withoutNull({ command, working_directory, timeout_ms });
    }
    case 'shell_call': {
      const { commands, timeout_ms, max_output_length } = call.action;
      return withoutNull({ commands, timeout_ms, max_output_length });
    }
    case 'apply_patch_call':
      return call.operation;
    case 'tool_search_call':
      return typeof call.arguments === 'object' && call.arguments !== null ? call.arguments : {};
  }
}

/** The item that a call is, or null when its arguments do not make one: it is then given back as the function call it is. */
export function toClientItem(type: ClientToolType, argumentsText: string, callId: string): OutputItem | null {
  const args = parseObject(argumentsText);
  if (!args) return null;
  const status = 'completed';
  switch (type) {
    case 'local_shell': {
      const command = toTexts(args['command']);
      if (!command) return null;
      return {
        type: 'local_shell_call',
        // Outputs of this family name the call by `id`: one value for both leaves no doubt.
        id: callId,
        call_id: callId,
        status,
        action: {
          type: 'exec',
          command,
          env: {},
          timeout_ms: toCount(args['timeout_ms']),
          working_directory: toText(args['working_directory']),
        },
      };
    }
    case 'shell': {
      const commands = toTexts(args['commands']);
      if (!commands) return null;
      const limits = {
        timeout_ms: toCount(args['timeout_ms']),
        max_output_length: toCount(args['max_output_length']),
      };
      return {
        type: 'shell_call',
        id: '',
        call_id: callId,
        status,
        action: { commands, ...limits },
        environment: null,
      };
    }
    case 'apply_patch': {
      const path = toText(args['path']);
      const diff = toText(args['diff']);
      if (path === null) return null;
      if (args['type'] === 'delete_file') {
        return { type: 'apply_patch_call', id: '', call_id: callId, status, operation: { type: 'delete_file', path } };
      }
      if (diff === null || (args['type'] !== 'create_file' && args['type'] !== 'update_file')) return null;
      return {
        type: 'apply_patch_call',
        id: '',
        call_id: callId,
        status,
        operation: { type: args['type'], path, diff },
      };
    }
    case 'tool_search':
      return { type: 'tool_search_call', id: '', call_id: callId, status, execution: 'client', arguments: args };
  }
}

function parseObject(json: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(json === '' ? '{}' : json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

function toText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** One string is taken for a list of one: models forget the brackets. */
function toTexts(value: unknown): string[] | null {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : null;
}

function toCount(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function withoutNull(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
}
