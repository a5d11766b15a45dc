/** What an agent does next: a turn of the model, calls of tools, or nothing more. Pure; `run-tools.ts` does it. */
import { createUsage } from '@longwire/protocol/usage';
import type { InputItem, OutputFunctionCallItem, Response, ToolOutput, Usage } from '@longwire/protocol';

/** Why a run ended. `incomplete`: the model was cut off, `response.incomplete_details` says why. */
export type StopReason = 'done' | 'incomplete' | 'max_steps' | 'max_tokens' | 'cancelled';

/** How far a run may go. */
export interface LoopLimits {
  /** Turns of the model, compactions aside. */
  readonly maxSteps: number;
  /** Tokens that were evaluated: those of the input that came from no cache, and those of the output. Looked at between turns. */
  readonly maxTokens: number;
  /** The conversation is compacted when a turn ends with so many tokens in all. */
  readonly compactAt: number;
}

/** A turn of the model. A compaction ends with what it has sealed, and the model is yet to answer. */
export interface LoopTurn {
  readonly type: 'turn';
  readonly input: readonly InputItem[];
  readonly isCompaction: boolean;
  /** From then on it can be steered and cancelled, and its input stays as it is. */
  readonly isSent: boolean;
}

/** What comes next. */
export type LoopNext =
  | LoopTurn
  | { readonly type: 'calls'; readonly calls: readonly OutputFunctionCallItem[] }
  | { readonly type: 'end'; readonly stop: StopReason };

/** Something happened. */
export type LoopInput =
  | { readonly type: 'sent' }
  /** A turn has ended: its responses (several where it was steered), the last one being what the conversation goes on from. */
  | { readonly type: 'responded'; readonly responses: readonly Response[] }
  /** The server cannot compact; it is not asked again. */
  | { readonly type: 'uncompacted' }
  | { readonly type: 'answered'; readonly callId: string; readonly output: ToolOutput }
  /** The user has something for the model that no running turn could take. */
  | { readonly type: 'said'; readonly items: readonly InputItem[] }
  /** Nothing more may follow. A turn that was not sent is not sent. */
  | { readonly type: 'cancelled' };

/** Where a run stands. */
export interface LoopState {
  readonly limits: LoopLimits;
  readonly next: LoopNext;
  /** Turns that have ended, compactions aside. */
  readonly steps: number;
  readonly usage: Usage;
  /** What the conversation goes on from. */
  readonly parent: string | null;
  /** Outputs of the calls that are open, by call, as they come. */
  readonly outputs: ReadonlyMap<string, ToolOutput>;
  /** Said, and not yet in a turn. */
  readonly said: readonly InputItem[];
  /** Tokens of the conversation after the newest response; 0 straight after a compaction. */
  readonly contextTokens: number;
  /** Whether the server can be asked to compact, as far as is known. */
  readonly canCompact: boolean;
  readonly isCancelled: boolean;
}

const none: ReadonlyMap<string, ToolOutput> = new Map();
const notRun = 'error: Not run: the agent was stopped before.';

/** A run that begins with this input, on top of `parent`. */
export function startLoop(limits: LoopLimits, parent: string | null, input: readonly InputItem[]): LoopState {
  const next: LoopNext = limits.maxSteps > 0 ? toTurn(input, false) : { type: 'end', stop: 'max_steps' };
  return {
    limits,
    next,
    steps: 0,
    usage: createUsage({ inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 }),
    parent,
    outputs: none,
    said: next.type === 'end' ? input : [],
    contextTokens: 0,
    canCompact: true,
    isCancelled: false,
  };
}

/** Goes on. What cannot happen in a state changes nothing. */
export function stepLoop(state: LoopState, input: LoopInput): LoopState {
  const { next } = state;
  switch (input.type) {
    case 'sent':
      return next.type === 'turn' ? { ...state, next: { ...next, isSent: true } } : state;
    case 'responded':
      return next.type === 'turn' ? onResponded(state, input.responses) : state;
    case 'uncompacted':
      return onUncompacted(state);
    case 'answered':
      return onAnswered(state, input.callId, input.output);
    case 'said':
      return onSaid(state, input.items);
    case 'cancelled':
      if (next.type !== 'turn' || next.isSent) return { ...state, isCancelled: true };
      return end({ ...state, isCancelled: true }, 'cancelled', withoutTrigger(next));
  }
}

/**
 * How a conversation goes on after a run, however it ended: what the server has, and what it has not been told yet. A run with
 * these fields goes on where the other one stopped, and no tool runs again.
 */
export interface Continuation {
  readonly previous_response_id: string | null;
  readonly input: InputItem[];
}

/** What is left of a run. */
export function toContinuation({ next, parent, outputs, said }: LoopState): Continuation {
  if (next.type === 'turn') return { previous_response_id: parent, input: [...withoutTrigger(next), ...said] };
  const open = next.type === 'calls' ? toOutputs(next.calls, outputs) : [];
  return { previous_response_id: parent, input: [...open, ...said] };
}

function onResponded(before: LoopState, responses: readonly Response[]): LoopState {
  const last = responses.at(-1);
  if (!last || before.next.type !== 'turn') return before;
  const isCompacted = before.next.isCompaction && last.output.some(({ type }) => type === 'compaction');
  const state: LoopState = {
    ...before,
    steps: before.steps + (isCompacted ? 0 : 1),
    usage: responses.reduce((sum, { usage }) => (usage ? addUsage(sum, usage) : sum), before.usage),
    parent: last.id,
    contextTokens: isCompacted ? 0 : (last.usage?.total_tokens ?? 0),
  };
  const calls = callsOf(last);
  // What a compaction took in, the model is yet to answer.
  const isDone = calls.length === 0 && state.said.length === 0 && !isCompacted;
  const stop = stopOf(state, last, isDone);
  if (stop !== null) return end(state, stop, toOutputs(calls, none));
  return calls.length > 0 ? { ...state, next: { type: 'calls', calls }, outputs: none } : startTurn(state, []);
}

/** Why nothing may follow this response; null where something may. */
function stopOf({ limits, steps, usage, isCancelled }: LoopState, last: Response, isDone: boolean): StopReason | null {
  if (isCancelled) return 'cancelled';
  if (last.status === 'incomplete') return 'incomplete';
  if (isDone) return 'done';
  if (steps >= limits.maxSteps) return 'max_steps';
  return toEvaluated(usage) >= limits.maxTokens ? 'max_tokens' : null;
}

function onSaid(state: LoopState, items: readonly InputItem[]): LoopState {
  const said = [...state.said, ...items];
  const { next } = state;
  if (next.type !== 'turn' || next.isSent) return { ...state, said };
  return { ...state, said: [], next: toTurn([...withoutTrigger(next), ...said], next.isCompaction) };
}

function onUncompacted(state: LoopState): LoopState {
  if (state.next.type !== 'turn' || !state.next.isCompaction) return state;
  return startTurn({ ...state, canCompact: false }, withoutTrigger(state.next));
}

function onAnswered(state: LoopState, callId: string, output: ToolOutput): LoopState {
  const { next } = state;
  if (next.type !== 'calls' || state.outputs.has(callId)) return state;
  if (!next.calls.some((call) => call.call_id === callId)) return state;
  const outputs = new Map(state.outputs).set(callId, output);
  if (outputs.size < next.calls.length) return { ...state, outputs };
  return startTurn({ ...state, outputs: none }, toOutputs(next.calls, outputs));
}

/** These items, and what was said meanwhile, are the next turn's. */
function startTurn(state: LoopState, items: readonly InputItem[]): LoopState {
  if (state.isCancelled) return end(state, 'cancelled', items);
  const isCompaction = state.canCompact && state.contextTokens >= state.limits.compactAt;
  return { ...state, said: [], next: toTurn([...items, ...state.said], isCompaction) };
}

function toTurn(items: readonly InputItem[], isCompaction: boolean): LoopTurn {
  const input: InputItem[] = isCompaction ? [...items, { type: 'compaction_trigger' }] : [...items];
  return { type: 'turn', input, isCompaction, isSent: false };
}

function end(state: LoopState, stop: StopReason, owed: readonly InputItem[]): LoopState {
  return { ...state, said: [...owed, ...state.said], next: { type: 'end', stop } };
}

/** The calls that wait for an output, each once. Those that were cut off cannot have one. */
function callsOf({ output }: Response): OutputFunctionCallItem[] {
  const calls = new Map<string, OutputFunctionCallItem>();
  for (const item of output) {
    if (item.type === 'function_call' && item.status !== 'incomplete' && !calls.has(item.call_id)) {
      calls.set(item.call_id, item);
    }
  }
  return [...calls.values()];
}

function toOutputs(calls: readonly OutputFunctionCallItem[], outputs: ReadonlyMap<string, ToolOutput>): InputItem[] {
  return calls.map((call) => toOutput(call, outputs.get(call.call_id) ?? notRun));
}

function toOutput({ call_id }: OutputFunctionCallItem, output: ToolOutput): InputItem {
  return { type: 'function_call_output', call_id, output };
}

/** What a turn has to say, the wish to compact aside. */
export function withoutTrigger({ input, isCompaction }: LoopTurn): InputItem[] {
  return isCompaction ? input.slice(0, -1) : [...input];
}

function toEvaluated({ total_tokens, input_tokens_details }: Usage): number {
  return total_tokens - input_tokens_details.cached_tokens;
}

function addUsage(sum: Usage, more: Usage): Usage {
  return createUsage({
    inputTokens: sum.input_tokens + more.input_tokens,
    cachedTokens: sum.input_tokens_details.cached_tokens + (more.input_tokens_details?.cached_tokens ?? 0),
    outputTokens: sum.output_tokens + more.output_tokens,
    reasoningTokens: sum.output_tokens_details.reasoning_tokens + (more.output_tokens_details?.reasoning_tokens ?? 0),
  });
}
