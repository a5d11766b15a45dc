/** A tool that runs here, and one call of it from the model's words to its output. */
import type { FunctionTool, OutputFunctionCallItem, ToolOutput } from '@longwire/protocol';
import { parseArguments } from './arguments.ts';
import type { JsonSchema, ValueOf } from './arguments.ts';

/** What a tool is told besides its arguments. */
export interface ToolContext {
  /** Aborts when nobody waits for the output any more. */
  readonly signal: AbortSignal;
  readonly callId: string;
}

/** A function that the model may call. */
export interface RunnableTool<Arguments = Record<string, unknown>> {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments, an object; without it a call has none. */
  readonly parameters?: JsonSchema;
  readonly strict?: boolean;
  /** Returns what the model is told: text, or parts such as pictures. What it throws is told to the model as an error. */
  run(args: Arguments, context: ToolContext): Promise<ToolOutput> | ToolOutput;
}

/** The same tool; gives the arguments of `run` the types that `parameters` describes. They are checked before it is called. */
export function tool<const Schema extends JsonSchema>(
  definition: RunnableTool<ValueOf<Schema>> & { readonly parameters: Schema },
): RunnableTool<ValueOf<Schema>> {
  return definition;
}

/** A call whose arguments are what the tool asks for. */
export interface ToolCall {
  readonly callId: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/**
 * Asked before a call runs; one call at a time, in the model's order. True: it runs. False, or why not: the model is told so.
 * What it throws is told to the model like an error of the tool.
 */
export type Approve = (call: ToolCall, context: ToolContext) => Promise<boolean | string> | boolean | string;

/** How a call ended. `denied`: it was not approved. `error`: it was not to be understood, or the tool threw. `stopped`: the run ended first. */
export type CallOutcome = 'ok' | 'error' | 'denied' | 'stopped';

/** What a call came to. */
export interface CallResult {
  readonly output: ToolOutput;
  readonly outcome: CallOutcome;
}

/** The tool as the model is told of it. */
export function toFunctionTool({ name, description, parameters, strict = false }: RunnableTool): FunctionTool {
  return {
    type: 'function',
    name,
    ...(description !== undefined && { description }),
    parameters: { ...(parameters ?? { type: 'object', properties: {} }) },
    strict,
  };
}

/** Runs a call. Never rejects: the model hears of everything that goes wrong. */
export async function performCall(
  { call_id: callId, name, arguments: json }: OutputFunctionCallItem,
  tools: ReadonlyMap<string, RunnableTool>,
  approve: Approve | undefined,
  signal: AbortSignal,
): Promise<CallResult> {
  const context = { callId, signal };
  try {
    signal.throwIfAborted();
    const found = tools.get(name);
    if (!found) throw new Error(`There is no tool '${name}'. There are: ${[...tools.keys()].join(', ') || 'none'}.`);
    const args = parseArguments(json, found.parameters ?? {});
    const verdict = (await approve?.({ callId, name, args }, context)) ?? true;
    if (verdict !== true) return { output: toDenial(verdict), outcome: 'denied' };
    signal.throwIfAborted();
    return { output: await found.run(args, context), outcome: 'ok' };
  } catch (error) {
    return { output: `error: ${error instanceof Error ? error.message : String(error)}`, outcome: 'error' };
  }
}

function toDenial(reason: false | string): string {
  return reason === false ? 'error: The user did not allow this call.' : `error: The user did not allow it: ${reason}`;
}
