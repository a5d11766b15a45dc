/** Drives the engine as a turn does: extend by the input, generate, fold the events into items, extend by those. */
import { ProtocolError, resolveSettings } from '@longwire/protocol';
import type { CreateRequest, Item, OutputItem, Tool } from '@longwire/protocol';
import type { Engine, EngineEvent, EngineUsage, GenerateRequest } from '../../../src/engine/engine.ts';
import type { TokenContext } from '../../../src/engine/token-chain/context.ts';

/** What one turn came to. */
export interface Turn {
  readonly text: string;
  readonly calls: readonly { name: string; arguments: string }[];
  readonly items: readonly OutputItem[];
  readonly reason: string;
  readonly usage: EngineUsage;
  /** The chain behind the answer. */
  readonly context: TokenContext;
}

export interface TurnOptions {
  /** `default` where it is left out. */
  readonly project?: string;
  readonly request?: Partial<CreateRequest>;
  readonly signal?: AbortSignal;
  readonly onEvents?: (events: readonly EngineEvent[]) => void;
}

export const user = (text: string): Item => ({ type: 'message', role: 'user', content: text });
export const assistant = (text: string): Item => ({ type: 'message', role: 'assistant', content: text });
export const developer = (text: string): Item => ({ type: 'message', role: 'developer', content: text });
export const output = (callId: string, text: string): Item => ({
  type: 'function_call_output',
  call_id: callId,
  output: text,
});

export const weatherTool: Tool = {
  type: 'function',
  name: 'get_weather',
  description: 'Get the current weather for a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  strict: true,
};

/** A request for a generation from `context`. */
export function toGenerateRequest(
  context: TokenContext,
  request: Partial<CreateRequest> = {},
  project = 'default',
): GenerateRequest<TokenContext> {
  const requested: CreateRequest = { input: [], ...request };
  return {
    context,
    model: 'tiny-demo',
    preamble: { instructions: requested.instructions ?? null, tools: requested.tools ?? [] },
    settings: resolveSettings(requested),
    requested,
    project,
    responseId: 'resp_test',
  };
}

/** The catalogue error that something fails with. */
export async function failureOf(failing: Promise<unknown>): Promise<ProtocolError> {
  const error: unknown = await failing.catch((reason: unknown) => reason);
  if (!(error instanceof ProtocolError)) throw new Error('A catalogue error was expected.', { cause: error });
  return error;
}

/** Runs one turn behind `parent`. */
export async function takeTurn(
  engine: Engine<TokenContext>,
  parent: TokenContext | null,
  input: readonly Item[],
  options: TurnOptions = {},
): Promise<Turn> {
  const context = engine.extend(parent, input);
  const events: EngineEvent[] = [];
  const signal = options.signal ?? new AbortController().signal;
  for await (const batch of engine.generate(toGenerateRequest(context, options.request, options.project), signal)) {
    events.push(...batch);
    options.onEvents?.(batch);
  }
  const items = toItems(events);
  const end = events.at(-1);
  if (end?.type !== 'end') throw new Error('The generation did not end with an end event.');
  const calls = items.flatMap((item) =>
    item.type === 'function_call' ? [{ name: item.name, arguments: item.arguments }] : [],
  );
  const text = items
    .flatMap((item) => (item.type === 'message' ? item.content : []))
    .map((part) => (part.type === 'output_text' ? part.text : ''))
    .join('');
  return { text, calls, items, reason: end.reason, usage: end.usage, context: engine.extend(context, items) };
}

/** The items that a sequencer would make of events. */
export function toItems(events: readonly EngineEvent[]): OutputItem[] {
  const items: OutputItem[] = [];
  let text: { type: 'output_text'; text: string; annotations: [] } | null = null;
  for (const event of events) {
    const last = items.at(-1);
    if (event.type === 'text.delta') {
      if (text === null) {
        text = { type: 'output_text', text: '', annotations: [] };
        items.push({
          id: `msg_${items.length}`,
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [text],
        });
      }
      text.text += event.delta;
      continue;
    }
    text = null;
    if (event.type === 'call.start') {
      const common = { call_id: event.callId ?? `call_${items.length}`, name: event.name };
      if (event.kind === 'custom') items.push({ type: 'custom_tool_call', ...common, input: '' });
      else items.push({ type: 'function_call', ...common, arguments: '' });
    } else if (event.type === 'call.delta') {
      if (last?.type === 'function_call') last.arguments += event.delta;
      else if (last?.type === 'custom_tool_call') last.input += event.delta;
    }
  }
  return items;
}
