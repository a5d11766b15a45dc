/** The calls of llama-server's own HTTP interface that this engine makes. */
import type { Trace } from '@longwire/protocol';
import type { Token } from '../chat-template/tokenizer.ts';
import type { ServerCalls } from '../token-server/calls.ts';
import type { EventForm } from '../token-server/events.ts';
import type { CompletionChunk, Props } from './wire.ts';

/** One llama-server. */
export class LlamaServerApi {
  readonly #calls: ServerCalls;

  constructor(calls: ServerCalls) {
    this.#calls = calls;
  }

  /** What runs there. Throws `engine_unavailable` while the model is being loaded. */
  async props(): Promise<Props> {
    return (await this.#calls.get('/props')) as Props;
  }

  /** Text to token ids, with nothing in front; `addsSpecial` puts there what the model wants (its BOS). */
  async tokenize(content: string, parsesControl: boolean, addsSpecial = false): Promise<readonly Token[]> {
    const body = { content, parse_special: parsesControl, add_special: addsSpecial };
    const answer = await this.#calls.post('/tokenize', body);
    return (answer as { tokens: Token[] }).tokens;
  }

  /** The pieces of a text: the text of every token, null for one that is not UTF-8 by itself. */
  async pieces(content: string, parsesControl: boolean): Promise<readonly (string | null)[]> {
    const body = { content, parse_special: parsesControl, add_special: false, with_pieces: true };
    const answer = (await this.#calls.post('/tokenize', body)) as { tokens: { piece: unknown }[] };
    return answer.tokens.map(({ piece }) => (typeof piece === 'string' ? piece : null));
  }

  /** Events of a completion, as `ServerCalls.stream`. */
  completion(
    body: readonly Uint8Array[],
    signal: AbortSignal,
    trace?: Trace | null,
  ): AsyncGenerator<CompletionChunk[], void> {
    const form: EventForm<CompletionChunk> = { isLast: (chunk) => chunk.stop === true };
    return this.#calls.stream('/completion', body, form, signal, trace);
  }

  /** Saves a slot's state to a file of the server, or restores it. False where the server was not started for that. */
  moveSlot(slot: number, action: 'save' | 'restore', filename: string): Promise<boolean> {
    return this.#calls.attempt(`/slots/${slot}?action=${action}`, { filename });
  }
}
