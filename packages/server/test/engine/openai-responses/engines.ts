/** Engines in front of a server of the tests, and what is asked of both. */
import { ProtocolError } from '@longwire/protocol';
import type { Engine } from '../../../src/engine/engine.ts';
import type { ResponsesContext } from '../../../src/engine/openai-responses/context.ts';
import {
  createOpenAIResponsesEngine,
  type OpenAIResponsesOptions,
} from '../../../src/engine/openai-responses/openai-responses.ts';
import type { ResponsesServer } from './responses-server.ts';

/** Closes itself. */
export type ResponsesEngine = Engine<ResponsesContext> & AsyncDisposable;

/** An engine in front of this server. */
export function createEngine(server: ResponsesServer, options: Partial<OpenAIResponsesOptions> = {}): ResponsesEngine {
  const engine = createOpenAIResponsesEngine({ name: 'up', baseUrl: server.baseUrl, apiKey: 'sk-up', ...options });
  return Object.assign(engine, { [Symbol.asyncDispose]: () => engine.close() });
}

/** What a request brought along: texts of its messages, types of other items. */
export function inputOf(server: ResponsesServer, index: number): string[] {
  return (server.asked[index]?.body.input ?? []).map(({ type, content }) => {
    if (type !== 'message') return String(type);
    return typeof content === 'string' ? content : (content as { text: string }[]).map((part) => part.text).join('');
  });
}

/** The catalogue error that something fails with. */
export async function failure(promise: Promise<unknown>): Promise<ProtocolError> {
  const error = await promise.then(
    () => new Error('It succeeded.'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ProtocolError) return error;
  throw error;
}
