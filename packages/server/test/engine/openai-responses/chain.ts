/** A chain over an engine, turn by turn, as the runner drives it. */
import { createUserMessage, parseCreateRequest, resolveSettings, type Item, type OutputItem } from '@longwire/protocol';
import type { Engine, EngineEvent, GenerateRequest } from '../../../src/engine/engine.ts';

/** What a turn came to. */
export interface Told<Context> {
  readonly events: readonly EngineEvent[];
  readonly output: readonly OutputItem[];
  /** What to go on from. */
  readonly context: Context;
}

/** A generation request behind `parent`, with `input` as the new items. */
export function toGeneration<Context>(
  engine: Engine<Context>,
  parent: Context | null,
  input: string | readonly Item[],
  fields: Record<string, unknown> = {},
): GenerateRequest<Context> {
  const items = typeof input === 'string' ? [createUserMessage(input)] : input;
  const requested = parseCreateRequest({ model: 'test-model', ...fields, input: items }, 'websocket');
  return {
    context: engine.extend(parent, items),
    model: 'test-model',
    preamble: { instructions: requested.instructions ?? null, tools: requested.tools ?? [] },
    settings: resolveSettings(requested),
    requested,
    project: 'default',
    responseId: 'resp_test',
  };
}

/** Runs one turn to its end and extends the chain by its output, as the runner does. */
export async function tell<Context>(
  engine: Engine<Context>,
  parent: Context | null,
  input: string | readonly Item[],
  fields: Record<string, unknown> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Told<Context>> {
  const request = toGeneration(engine, parent, input, fields);
  const events: EngineEvent[] = [];
  for await (const batch of engine.generate(request, signal)) events.push(...batch);
  const output = toOutput(events);
  return { events, output, context: engine.extend(request.context, output) };
}

/** The output items of an engine's events, with ids of our own as the sequencer gives them. */
export function toOutput(events: readonly EngineEvent[]): readonly OutputItem[] {
  const output: Draft[] = [];
  let open: Draft | null = null;
  const begin = (type: string, fields: object): Draft => {
    const draft: Draft = { id: `ours_${output.length}`, type, status: 'completed', ...fields };
    output.push(draft);
    return draft;
  };
  for (const event of events) {
    switch (event.type) {
      case 'text.delta':
      case 'refusal.delta':
        if (open?.type !== 'message') open = begin('message', { role: 'assistant', content: [] });
        addText(open['content'], event);
        break;
      case 'reasoning.delta':
      case 'reasoning_summary.delta':
        if (open?.type !== 'reasoning') open = begin('reasoning', { summary: [], content: [] });
        addText(open[event.type === 'reasoning.delta' ? 'content' : 'summary'], event);
        break;
      case 'call.start': {
        const { kind, name, callId = 'call_made' } = event;
        const isFunction = kind === 'function';
        const text = isFunction ? { arguments: '' } : { input: '' };
        open = begin(isFunction ? 'function_call' : 'custom_tool_call', { name, call_id: callId, ...text });
        break;
      }
      case 'call.delta': {
        if (!open) throw new Error('No call is open.');
        const field = 'arguments' in open ? 'arguments' : 'input';
        open[field] = `${String(open[field])}${event.delta}`;
        break;
      }
      case 'item':
        output.push({ ...event.item });
        open = null;
        break;
      default:
        open = null;
    }
  }
  return output as unknown as OutputItem[];
}

type Draft = Record<string, unknown> & { type: string };

function addText(parts: unknown, { type, delta }: { readonly type: string; readonly delta: string }): void {
  const list = parts as { type: string; text: string }[];
  const last = list.at(-1);
  if (last) last.text += delta;
  else list.push({ type: type === 'text.delta' ? 'output_text' : type.replace('.delta', ''), text: delta });
}

/** All text of a turn. */
export function textOf(events: readonly EngineEvent[]): string {
  return events.map((event) => (event.type === 'text.delta' ? event.delta : '')).join('');
}
