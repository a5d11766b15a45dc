/** HTTP calls to a server that takes token ids: JSON both ways, and answers that stream. */
import { toTraceHeaders, type Trace } from '@longwire/protocol';
import type { UpstreamErrors } from '../http/errors.ts';
import type { UpstreamReply } from '../http/exchange.ts';
import type { Upstream } from '../http/upstream.ts';
import { EventDecoder } from './events.ts';
import type { EventForm, Fallible } from './events.ts';

const maxAnswerBytes = 64 * 1024 * 1024;
const maxErrorBytes = 64 * 1024;
const never = new AbortController().signal;

/** One server. */
export class ServerCalls {
  readonly #upstream: Upstream;
  readonly #errors: UpstreamErrors;
  readonly #model: () => string;

  /** `model`: its name, for errors. */
  constructor(upstream: Upstream, errors: UpstreamErrors, model: () => string) {
    this.#upstream = upstream;
    this.#errors = errors;
    this.#model = model;
  }

  /** What a path says. Throws catalogue errors. */
  async get(path: string): Promise<unknown> {
    return this.#json(await this.#upstream.get(path));
  }

  /** What a path says, null where the server does not have it. Throws catalogue errors for all else. */
  async find(path: string): Promise<unknown> {
    const reply = await this.#upstream.get(path);
    if (reply.status !== 404 && reply.status !== 405) return this.#json(reply);
    await reply.text(maxErrorBytes);
    return null;
  }

  /** What a path answers to a small question. Throws catalogue errors. */
  async post(path: string, body: unknown): Promise<unknown> {
    return this.#json(await this.#upstream.post(path, [Buffer.from(JSON.stringify(body))], {}, never));
  }

  /** Asks for something that a server may refuse without harm. Whether it was done. */
  async attempt(path: string, body: unknown): Promise<boolean> {
    const reply = await this.#upstream.post(path, [Buffer.from(JSON.stringify(body))], {}, never);
    await reply.text(maxErrorBytes);
    return reply.status === 200;
  }

  /**
   * Events of an answer, one batch per read. Throws the signal's reason when aborted, and a catalogue error when the server
   * refuses or breaks off. Leaving early closes the connection, which makes the server stop.
   */
  async *stream<Event extends Fallible>(
    path: string,
    body: readonly Uint8Array[],
    form: EventForm<Event>,
    signal: AbortSignal,
    trace?: Trace | null,
  ): AsyncGenerator<Event[], void> {
    const reply = await this.#upstream.post(path, body, toTraceHeaders(trace), signal);
    if (reply.status !== 200) throw await this.#refusal(reply);
    const decoder = new EventDecoder<Event>(form, this.#errors, this.#model());
    for await (const bytes of reply.chunks()) {
      const events = decoder.push(bytes);
      if (decoder.isDone) reply.drain();
      if (events.length > 0) yield events;
      if (decoder.isDone) return;
    }
    decoder.finish();
  }

  /** A server that is not set up for what is asked of it. */
  unusable(what: string): Error {
    return this.#errors.brokenStream(what);
  }

  /** What a server told inside an answer, as an error of the catalogue. */
  failure(fault: unknown): Error {
    return this.#errors.fromStream(fault, this.#model());
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
