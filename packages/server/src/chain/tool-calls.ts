/** Which calls of a chain still wait for an output. Kept per node, so that a turn checks only its new items (dossier J.3, Q.2). */
import { errors, type Item } from '@longwire/protocol';

/** A call without an output. */
export interface OpenCall {
  /** `call_id`; the item's id for MCP approvals and local shell calls. */
  readonly id: string;
  /** The item's type, such as `function_call`. */
  readonly type: string;
  /** The function's or tool's name, where the call has one. */
  readonly name: string | null;
  /** Async calls may stay open while the model goes on. */
  readonly async: boolean;
}

/** Open calls, each id once. Shared between nodes: never mutated. A list, not a map: every node keeps one, and most are of one call. */
export type OpenCalls = readonly OpenCall[];

/** No call is open. */
export const noOpenCalls: OpenCalls = [];

interface CallKind {
  readonly label: string;
  readonly idField: 'call_id' | 'id';
}

const callKinds: ReadonlyMap<string, CallKind> = new Map([
  ['function_call', { label: 'function call', idField: 'call_id' }],
  ['custom_tool_call', { label: 'custom tool call', idField: 'call_id' }],
  ['computer_call', { label: 'computer call', idField: 'call_id' }],
  ['local_shell_call', { label: 'local shell call', idField: 'id' }],
  ['shell_call', { label: 'shell call', idField: 'call_id' }],
  ['apply_patch_call', { label: 'apply patch call', idField: 'call_id' }],
  ['tool_search_call', { label: 'tool search call', idField: 'call_id' }],
  ['mcp_approval_request', { label: 'MCP approval request', idField: 'id' }],
]);

interface OutputKind {
  readonly answers: string;
  readonly label: string;
  readonly idField: 'call_id' | 'id' | 'approval_request_id';
}

const outputKinds: ReadonlyMap<string, OutputKind> = new Map([
  ['function_call_output', { answers: 'function_call', label: 'function call output', idField: 'call_id' }],
  ['custom_tool_call_output', { answers: 'custom_tool_call', label: 'custom tool call output', idField: 'call_id' }],
  ['computer_call_output', { answers: 'computer_call', label: 'computer call output', idField: 'call_id' }],
  ['local_shell_call_output', { answers: 'local_shell_call', label: 'local shell call output', idField: 'id' }],
  ['shell_call_output', { answers: 'shell_call', label: 'shell call output', idField: 'call_id' }],
  ['apply_patch_call_output', { answers: 'apply_patch_call', label: 'apply patch call output', idField: 'call_id' }],
  ['tool_search_output', { answers: 'tool_search_call', label: 'tool search output', idField: 'call_id' }],
  [
    'mcp_approval_response',
    { answers: 'mcp_approval_request', label: 'MCP approval response', idField: 'approval_request_id' },
  ],
]);

function field(item: Item, name: string): unknown {
  return (item as unknown as Record<string, unknown>)[name];
}

/** Tool searches and shells that the server runs itself bring their own output: nobody waits for a client. */
function isHosted(item: Item): boolean {
  return field(item, 'execution') === 'server';
}

/** Whether the client has to answer the item before the chain can go on. */
export function isClientCall(item: Item): boolean {
  return callKinds.has(item.type) && !isHosted(item) && field(item, 'async') !== true;
}

/**
 * The open calls after `items`: O(items + open calls).
 * Throws `invalid_request` ("No tool call found for …") for an output whose call is not open.
 */
export function extendOpenCalls(open: OpenCalls, items: readonly Item[]): OpenCalls {
  let next: Map<string, OpenCall> | null = null;
  for (const item of items) {
    if (item.type === 'compaction') {
      // It stands for the calls before it too, but for those whose output comes later: it holds them.
      next = byId((next?.values().toArray() ?? open).filter((call) => call.async));
      continue;
    }
    const call = callKinds.get(item.type);
    if (call) {
      const id = field(item, call.idField);
      if (typeof id !== 'string' || isHosted(item)) continue;
      const name = field(item, 'name');
      next ??= byId(open);
      next.set(id, {
        id,
        type: item.type,
        name: typeof name === 'string' ? name : null,
        async: field(item, 'async') === true,
      });
      continue;
    }
    const output = outputKinds.get(item.type);
    if (!output || isHosted(item)) continue;
    const id = field(item, output.idField);
    if (typeof id !== 'string') continue;
    next ??= byId(open);
    if (next.get(id)?.type !== output.answers) throw errors.noToolCall(id, output.label, 'input');
    next.delete(id);
  }
  if (next?.size === 0) return noOpenCalls;
  return next ? [...next.values()] : open;
}

function byId(calls: OpenCalls): Map<string, OpenCall> {
  return new Map(calls.map((call) => [call.id, call]));
}

/** Throws `invalid_request` ("No tool output found for …") when a call that is not async has no output. */
export function requireOutputs(open: OpenCalls): void {
  for (const { id, type, async } of open) {
    if (!async) throw errors.noToolOutput(id, callKinds.get(type)?.label ?? type);
  }
}
