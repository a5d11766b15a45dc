/**
 * A workload's outputs as a Responses API streams them, encoded once: for servers that pass the Responses API on and can stand in front of
 * nothing else.
 */
import type { OutputItem } from '@longwire/protocol';
import type { Workload, WorkloadTurn } from '../../packages/server/src/engine/scripted/workload.ts';
import { toTokens, type Answer, type Wire } from './answers.ts';

/** Deltas here open their items, and cannot be replaced by a stamp. */
export const responsesWire: Pick<Wire, 'text'> = {
  text() {
    throw new Error('The Responses wire of the benchmark carries no stamps.');
  },
};

interface Event {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Every turn's answer: what opens an item comes with its first delta, so that the pace is one of tokens as on the other wires. */
export function toResponsesAnswers({ name, turns }: Workload): Answer[] {
  return turns.map((turn, index) => {
    const deltas: string[] = [];
    let pending = '';
    let sequence = 0;
    for (const event of toEvents(turn, { id: `resp_bench_${index}`, model: name })) {
      pending += `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: sequence++ })}\n\n`;
      if (!event.type.endsWith('.delta')) continue;
      deltas.push(pending);
      pending = '';
    }
    return { opening: '', deltas, closing: pending };
  });
}

function* toEvents(turn: WorkloadTurn, names: { id: string; model: string }): Generator<Event> {
  const response = { ...names, object: 'response', created_at: 1_700_000_000, error: null, incomplete_details: null };
  const begun = { ...response, status: 'in_progress', output: [], usage: null };
  yield { type: 'response.created', response: begun };
  yield { type: 'response.in_progress', response: begun };
  const output = turn.output.map((item, place) => ({ ...item, id: `${item.type}_${names.id}_${place}` }));
  for (const [place, item] of output.entries()) yield* toItemEvents(item, place);
  const usage = {
    input_tokens: turn.contextTokens,
    input_tokens_details: { cached_tokens: Math.max(0, turn.contextTokens - turn.newTokens) },
    output_tokens: turn.outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: turn.contextTokens + turn.outputTokens,
  };
  yield { type: 'response.completed', response: { ...response, status: 'completed', output, usage } };
}

function* toItemEvents(item: OutputItem & { id: string }, place: number): Generator<Event> {
  const at = { output_index: place, item_id: item.id };
  const added = { type: 'response.output_item.added', output_index: place };
  switch (item.type) {
    case 'function_call':
      yield { ...added, item: { ...item, status: 'in_progress', arguments: '' } };
      for (const delta of toTokens(item.arguments))
        yield { type: 'response.function_call_arguments.delta', ...at, delta };
      yield { type: 'response.function_call_arguments.done', ...at, name: item.name, arguments: item.arguments };
      break;
    case 'message':
      yield { ...added, item: { ...item, status: 'in_progress', content: [] } };
      for (const [index, part] of item.content.entries()) {
        if (part.type !== 'output_text') continue;
        const inside = { ...at, content_index: index };
        yield { type: 'response.content_part.added', ...inside, part: { ...part, text: '' } };
        for (const delta of toTokens(part.text))
          yield { type: 'response.output_text.delta', ...inside, delta, logprobs: [] };
        yield { type: 'response.output_text.done', ...inside, text: part.text, logprobs: [] };
        yield { type: 'response.content_part.done', ...inside, part };
      }
      break;
    default:
      // As on the chat wire: no engine that is measured says it.
      return;
  }
  yield { type: 'response.output_item.done', output_index: place, item };
}
