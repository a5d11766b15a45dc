/** A conversation over one socket: each turn sends its own message, and all of it only when the server has lost it. */
import { connect, ConnectError } from '@longwire/client';
import type { Connection } from '@longwire/client';
import type { InputItem, ServerEvent } from '@longwire/protocol';
import { listModels } from './chat-server.ts';
import type { ChatServer } from './chat-server.ts';

/** What a chat can go on from: after a call of a tool, the server would wait for that tool's output. */
const talk: ReadonlySet<string> = new Set(['message', 'reasoning']);

/** What is said to whom. */
export class Conversation {
  readonly #server: ChatServer;
  readonly #instructions: string | null;
  #connection: Connection | null = null;
  #messages: InputItem[] = [];
  /** Whether the newest response of the lane is the end of `#messages`. */
  #inStep = false;
  model: string;

  constructor(server: ChatServer, model: string, instructions: string | null) {
    this.#server = server;
    this.#instructions = instructions;
    this.model = model;
  }

  /**
   * Says `text` and yields the events of the answer. The only way to stop an answer is to close the socket: when `signal`
   * aborts, that is done, and the next turn connects again. What was shown of an answer stays part of the conversation.
   * Throws what the client throws, the signal's reason, or an `Error` for people when no socket opens.
   */
  async *ask(text: string, signal: AbortSignal): AsyncGenerator<ServerEvent, void, undefined> {
    const message: InputItem = { type: 'message', role: 'user', content: text };
    let shown = '';
    let onlyTalk = true;
    let ended = false;
    try {
      const lane = (await this.#connected(signal)).lane();
      const continues = this.#inStep && lane.newest !== null;
      this.#inStep = false;
      const turn = lane.create(
        {
          model: this.model,
          instructions: this.#instructions,
          input: continues ? [message] : [...this.#messages, message],
          ...(!continues && { previous_response_id: null }),
        },
        { signal },
      );
      for await (const event of turn) {
        if (event.type === 'response.output_text.delta') shown += event.delta;
        if (event.type === 'response.output_item.done') onlyTalk &&= talk.has(event.item.type);
        yield event;
      }
      ended = true;
    } finally {
      if (signal.aborted) this.close();
      if (ended || shown !== '') this.#messages.push(message);
      if (shown !== '') this.#messages.push({ type: 'message', role: 'assistant', content: shown });
      this.#inStep = ended && onlyTalk;
    }
  }

  /** Forgets what was said. */
  restart(): void {
    this.#messages = [];
    this.#inStep = false;
  }

  close(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  async #connected(signal: AbortSignal): Promise<Connection> {
    if (this.#connection?.isOpen) return this.#connection;
    const { baseUrl, apiKey } = this.#server;
    try {
      this.#connection = await connect({ baseUrl, signal, ...(apiKey !== null && { apiKey }) });
      return this.#connection;
    } catch (error) {
      // It may have a better word for why nothing can be reached.
      if (error instanceof ConnectError) await listModels(this.#server);
      throw error;
    }
  }
}
