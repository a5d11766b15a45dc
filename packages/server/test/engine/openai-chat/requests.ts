/** Requests as the turn hands them to an engine. */
import { parseCreateRequest, resolveSettings } from '@longwire/protocol';
import type { EngineEvent, GenerateRequest } from '../../../src/engine/engine.ts';
import type { ChatContext } from '../../../src/engine/openai-chat/context.ts';

/** A generation from `context`, of a request with these fields. */
export function toGeneration(context: ChatContext, fields: Record<string, unknown> = {}): GenerateRequest<ChatContext> {
  const requested = parseCreateRequest({ model: 'm', input: [], ...fields }, 'websocket');
  return {
    context,
    model: 'm',
    preamble: { instructions: requested.instructions ?? null, tools: requested.tools ?? [] },
    settings: resolveSettings(requested),
    requested,
    project: 'default',
    responseId: 'resp_1',
  };
}

/** All batches of a generation. */
export async function collect(events: AsyncIterable<readonly EngineEvent[]>): Promise<EngineEvent[]> {
  const all: EngineEvent[] = [];
  for await (const batch of events) all.push(...batch);
  return all;
}

/** The events with adjacent deltas of one kind put together: what they say, however the bytes were cut. */
export function joined(events: readonly EngineEvent[]): EngineEvent[] {
  const out: EngineEvent[] = [];
  for (const event of events) {
    const last = out.at(-1);
    if (last && 'delta' in last && 'delta' in event && last.type === event.type) {
      out[out.length - 1] = { ...last, delta: last.delta + event.delta };
    } else {
      out.push(event);
    }
  }
  return out;
}
