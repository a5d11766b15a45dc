/** A workload's outputs as the two wires of the scripted engine carry them, encoded once. */
import type { OutputItem } from '@longwire/protocol';
import type { Workload } from '../../packages/server/src/engine/scripted/workload.ts';
import { bytesPerToken } from '../../packages/server/src/workloads/prose.ts';

/** One answer: `deltas` are paced, a token each. */
export interface Answer {
  readonly opening: string;
  readonly deltas: readonly string[];
  readonly closing: string;
}

/** How a wire says things. */
export interface Wire {
  readonly opening: string;
  readonly text: (delta: string) => string;
  readonly callStart: (callId: string, name: string) => string;
  readonly callDelta: (delta: string) => string;
  readonly closing: (hasCall: boolean, promptTokens: number, cachedTokens: number, outputTokens: number) => string;
}

const chunkHead = { id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'bench' };

/** Chat completions over SSE, as vLLM and llama-server write it. */
export const chatWire: Wire = {
  opening: toChunk({ role: 'assistant', content: '' }),
  text: (delta) => toChunk({ content: delta }),
  callStart: (id, name) =>
    toChunk({ tool_calls: [{ index: 0, id, type: 'function', function: { name, arguments: '' } }] }),
  callDelta: (delta) => toChunk({ tool_calls: [{ index: 0, function: { arguments: delta } }] }),
  closing(hasCall, prompt, cached, output) {
    const usage = {
      prompt_tokens: prompt,
      completion_tokens: output,
      total_tokens: prompt + output,
      prompt_tokens_details: { cached_tokens: cached },
    };
    const end = `data: ${JSON.stringify({ ...chunkHead, choices: [], usage })}\n\ndata: [DONE]\n\n`;
    return toChunk({}, hasCall ? 'tool_calls' : 'stop') + end;
  },
};

/** The session wire: one engine event a line, as `engine.ts` names them. */
export const sessionWire: Wire = {
  opening: '',
  text: (delta) => toLine({ type: 'text.delta', delta }),
  callStart: (callId, name) => toLine({ type: 'call.start', kind: 'function', name, callId }),
  callDelta: (delta) => toLine({ type: 'call.delta', delta }),
  closing: (_hasCall, inputTokens, cachedTokens, outputTokens) =>
    toLine({ type: 'end', reason: 'stop', usage: { inputTokens, cachedTokens, outputTokens, reasoningTokens: 0 } }),
};

/** Every turn's answer, in the words of a wire. */
export function toAnswers(workload: Workload, wire: Wire): Answer[] {
  return workload.turns.map((turn) => {
    const deltas = turn.output.flatMap((item) => toDeltas(item, wire));
    const hasCall = turn.output.some(({ type }) => type === 'function_call');
    const cached = Math.max(0, turn.contextTokens - turn.newTokens);
    return {
      opening: wire.opening,
      deltas,
      closing: wire.closing(hasCall, turn.contextTokens, cached, turn.outputTokens),
    };
  });
}

function toDeltas(item: OutputItem, wire: Wire): string[] {
  switch (item.type) {
    case 'message':
      return item.content.flatMap((part) => (part.type === 'output_text' ? toTokens(part.text).map(wire.text) : []));
    case 'function_call':
      return [wire.callStart(item.call_id, item.name), ...toTokens(item.arguments).map(wire.callDelta)];
    default:
      return [];
  }
}

/** Text in pieces of a token. Workloads are ASCII or cut between characters. */
export function toTokens(text: string): string[] {
  return text.match(new RegExp(`.{1,${bytesPerToken}}`, 'gsu')) ?? [];
}

function toChunk(delta: object, finish: string | null = null): string {
  return `data: ${JSON.stringify({ ...chunkHead, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
}

function toLine(event: object): string {
  return `${JSON.stringify(event)}\n`;
}
