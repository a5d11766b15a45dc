/** The calls of llama-server's own HTTP interface that this engine makes. */
import type { UpstreamErrors } from '../http/errors.ts';
import type { UpstreamReply } from '../http/exchange.ts';
import type { Upstream } from '../http/upstream.ts';
import type { Token } from '../chat-template/tokenizer.ts';
import { ChunkDecoder } from './stream.ts';
import type { CompletionChunk, Props } from './wire.ts';

const maxAnswerBytes = 64 * 1024 * 1024;
const maxErrorBytes = 64 * 1024;
const never = new AbortController().signal;

/** One llama-server. */
export class LlamaServerApi {
  readonly #upstream: Upstream;
  readonly #errors: UpstreamErrors;
  readonly #model: () => string;

  /** `model`: its name, for errors. */
  constructor(upstream: Upstream, errors: UpstreamErrors, model: () => string) {
    this.#upstream = upstream;
    this.#errors = errors;
    this.#model = model;
  }

  /** What runs there. Throws `engine_unavailable` while the model is being loaded. */
  async props(): Promise<Props> {
    return (await this.#json(await this.#upstream.get('/props'))) as Props;
  }

  /** Text to token ids, with nothing in front; `addsSpecial` puts there what the model wants (its BOS). */
  async tokenize(content: string, parsesControl: boolean, addsSpecial = false): Promise<readonly Token[]> {
    const body = { content, parse_special: parsesControl, add_special: addsSpecial };
    const answer = await this.#post('/tokenize', body);
    return (answer as { tokens: Token[] }).tokens;
  }

  /** The pieces of a text: the text of every token, null for one that is not UTF-8 by itself. */
  async pieces(content: string, parsesControl: boolean): Promise<readonly (string | null)[]> {
    const body = { content, parse_special: parsesControl, add_special: false, with_pieces: true };
    const answer = (await this.#post('/tokenize', body)) as { tokens: { piece: unknown }[] };
    return answer.tokens.map(({ piece }) => (typeof piece === 'string' ? piece : null));
  }

  /**
   * Events of a completion, one batch per read. Throws the signal's reason when aborted, and a catalogue error when the server
   * refuses or breaks off. Leaving early makes the server stop.
   */
  async *completion(body: readonly Uint8Array[], signal: AbortSignal): AsyncGenerator<CompletionChunk[], void> {
    const reply = await this.#upstream.post('/completion', body, {}, signal);
    if (reply.status !== 200) throw await this.#refusal(reply);
    const decoder = new ChunkDecoder(this.#errors, this.#model());
    for await (const bytes of reply.chunks()) {
      const chunks = decoder.push(bytes);
      if (decoder.isDone) reply.drain();
      if (chunks.length > 0) yield chunks;
      if (decoder.isDone) return;
    }
    decoder.finish();
  }

  /** Saves a slot's state to a file of the server, or restores it. False where the server was not started for that. */
  async moveSlot(slot: number, action: 'save' | 'restore', filename: string): Promise<boolean> {
    const body = Buffer.from(JSON.stringify({ filename }));
    const reply = await this.#upstream.post(`/slots/${slot}?action=${action}`, [body], {}, never);
    await reply.text(maxErrorBytes);
    return reply.status === 200;
  }

  async #post(path: string, body: unknown): Promise<unknown> {
    return this.#json(await this.#upstream.post(path, [Buffer.from(JSON.stringify(body))], {}, never));
  }

  async #json(reply: UpstreamReply): Promise<unknown> {
    if (reply.status !== 200) throw await this.#refusal(reply);
    const text = await reply.text(maxAnswerBytes);
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw this.#errors.brokenStream('sent an answer that is not JSON', cause);
    }
  }

  async #refusal(reply: UpstreamReply): Promise<Error> {
    const failed = { status: reply.status, headers: reply.headers, body: await reply.text(maxErrorBytes) };
    return this.#errors.fromReply(failed, this.#model());
  }
}
