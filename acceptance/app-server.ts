/** `codex app-server`: one Codex process that is given several turns, so that they share a socket. */
import type { Program } from './program.ts';

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

const answerTimeoutMs = 60_000;

/** The client's side of the protocol: JSON lines, requests by id, notifications without. */
export class AppServer {
  readonly #program: Program;
  #lastId = 0;
  #read = 0;

  private constructor(program: Program) {
    this.#program = program;
  }

  /** Shakes hands with a program started as `codex app-server`. */
  static async open(program: Program): Promise<AppServer> {
    const server = new AppServer(program);
    await server.#request('initialize', {
      clientInfo: { name: 'longwire_acceptance', title: null, version: '0.1.0' },
      capabilities: null,
    });
    program.write(JSON.stringify({ method: 'initialized' }));
    return server;
  }

  /** Starts a thread that may run commands, and returns its id. */
  async startThread(cwd: string): Promise<string> {
    const { thread } = await this.#request('thread/start', {
      cwd,
      approvalPolicy: 'never',
      sandbox: 'danger-full-access',
    });
    return String((thread as { id: unknown }).id);
  }

  /** One turn of the user; returns what the model said in it. Throws when it does not complete. */
  async runTurn(threadId: string, text: string): Promise<string[]> {
    await this.startTurn(threadId, text);
    return await this.endOfTurn();
  }

  /** Starts a turn of the user, and returns its id. */
  async startTurn(threadId: string, text: string): Promise<string> {
    const { turn } = await this.#request('turn/start', {
      threadId,
      input: [{ type: 'text', text, text_elements: [] }],
    });
    return String((turn as { id: unknown }).id);
  }

  /** Stops a turn, as the person does with Escape. Resolves when Codex calls it interrupted. */
  async interruptTurn(threadId: string, turnId: string): Promise<void> {
    await this.#request('turn/interrupt', { threadId, turnId });
    const { turn } = await this.#next(({ method, params }) => (method === 'turn/completed' ? params : null));
    const { status } = turn as { status: string };
    if (status !== 'interrupted') throw new Error(`The turn ended as ${status}.`);
  }

  /** Waits for the turn that runs; returns what the model said in it. Throws when it does not complete. */
  async endOfTurn(): Promise<string[]> {
    const said: string[] = [];
    const ended = await this.#next(({ method, params }) => {
      const item = params?.['item'] as { type: string; text?: string } | undefined;
      if (method === 'item/completed' && item?.type === 'agentMessage') said.push(item.text ?? '');
      return method === 'turn/completed' ? params : null;
    });
    const turn = ended['turn'] as { status: string; error: unknown };
    if (turn.status !== 'completed') throw new Error(`The turn ended as ${turn.status}: ${JSON.stringify(turn.error)}`);
    return said;
  }

  async #request(method: string, params: Record<string, unknown>): Promise<Record<string, unknown>> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#program.write(JSON.stringify({ id, method, params }));
    const from = this.#read;
    const { result, error } = await this.#next((message) => (message.id === id && !message.method ? message : null));
    // Notifications that came before the answer are still to be read by whoever waits for them.
    this.#read = from;
    if (!result) throw new Error(`Codex refused ${method}: ${error?.message ?? 'no reason given'}`);
    return result;
  }

  /** Reads on until `find` is content. */
  async #next<T>(find: (message: Message) => T | null | undefined): Promise<T> {
    const found = await this.#program.until(() => {
      while (this.#read < this.#program.out.length) {
        const line = this.#program.out[this.#read] ?? '';
        this.#read += 1;
        const value = line.startsWith('{') ? find(JSON.parse(line) as Message) : null;
        if (value) return value;
      }
      return null;
    }, answerTimeoutMs);
    if (!found) throw new Error(`Codex did not answer:\n${this.#program.err.join('\n')}`);
    return found;
  }
}
