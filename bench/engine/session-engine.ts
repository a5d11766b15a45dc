/**
 * An engine that is asked for what is new and nothing else: it keeps the conversation itself. What an engine with session handles or token
 * ids saves over one that gets the whole text, measured through the same server.
 */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Item } from '@longwire/protocol';
import type { Engine, EngineEvent, GenerateRequest } from '../../packages/server/src/engine/engine.ts';

/** How often the model has spoken, and what it has not been told yet. */
interface SessionContext {
  readonly turns: number;
  readonly unsent: readonly Item[];
}

/** Ends the names of models that run over sessions: `coding-30` over text is `coding-30@session` here. */
export const sessionSuffix = '@session';

/** The engine for a scripted engine process at `url`. `models` are names of its workloads. */
export function createSessionEngine(url: string, models: readonly string[]): Engine<SessionContext> {
  const agent = new Agent({ keepAlive: true });
  return {
    name: 'session',
    models: async () => models.map((name) => ({ id: name + sessionSuffix, created: 1, ownedBy: 'bench' })),
    extend(parent, items) {
      const base = parent ?? { turns: 0, unsent: [] };
      return items.some(isOutput)
        ? { turns: base.turns + 1, unsent: [] }
        : { ...base, unsent: [...base.unsent, ...items] };
    },
    generate: ({ context, model }, signal) => generate(url, agent, context, model, signal),
    release: () => {},
    close: async () => agent.destroy(),
  };
}

function isOutput(item: Item): boolean {
  return item.type === 'function_call' || (item.type === 'message' && item.role === 'assistant');
}

async function* generate(
  url: string,
  agent: Agent,
  { turns, unsent }: SessionContext,
  model: GenerateRequest<SessionContext>['model'],
  signal: AbortSignal,
): AsyncGenerator<readonly EngineEvent[]> {
  const name = model.slice(0, -sessionSuffix.length);
  signal.throwIfAborted();
  const reply = await post(`${url}/v1/session`, agent, JSON.stringify({ model: name, turn: turns, input: unsent }));
  const stop = (): void => void reply.destroy();
  signal.addEventListener('abort', stop, { once: true });
  let rest = '';
  for await (const chunk of reply.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    const batch = lines.map((line) => JSON.parse(line) as EngineEvent);
    const isLast = batch.at(-1)?.type === 'end';
    // The connection is kept for the next turn: what follows the end is only the end of the body.
    if (isLast) {
      signal.removeEventListener('abort', stop);
      reply.resume();
    }
    if (batch.length > 0) yield batch;
    if (isLast) return;
  }
}

function post(url: string, agent: Agent, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const request = httpRequest(url, { method: 'POST', agent, headers });
    request.once('error', reject);
    request.once('response', resolve);
    request.end(body);
  });
}
