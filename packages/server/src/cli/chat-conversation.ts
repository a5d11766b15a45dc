/** A conversation over one connection, in branches: each turn sends its own message, and tools run until the model is done. */
import { connect, ConnectError, runTools } from '@longwire/client';
import type { Approve, Connection, Lane, RunEvent, RunnableTool, RunResult, ToolRun } from '@longwire/client';
import type { InputItem, Usage } from '@longwire/protocol';
import { listModels } from './chat-server.ts';
import type { ChatServer } from './chat-server.ts';

/** What a conversation is made with. */
export interface ConversationOptions {
  readonly server: ChatServer;
  readonly model: string;
  readonly instructions: string | null;
  readonly tools: readonly RunnableTool[];
  readonly approve: Approve;
  /** Whether the server keeps it, so that another chat can take it up. */
  readonly isStored: boolean;
}

/** One way that the conversation went. */
interface Branch {
  /** Null until something is said. */
  lane: Lane | null;
  /** The response that it goes on from. */
  parent: string | null;
  /** What the server has not been told yet: outputs of calls, words that were cut off. */
  owed: InputItem[];
}

const firstBranch = 'main';

/** What is said to whom. */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #branches = new Map<string, Branch>();
  #connection: Connection | null = null;
  #run: ToolRun | null = null;
  #branch: string = firstBranch;
  model: string;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.model = options.model;
    this.restart();
  }

  /** The response that the next turn continues. */
  get newest(): string | null {
    return this.#here.parent;
  }

  /** The name of the branch that is talked to, and those of the others. */
  get branches(): { readonly here: string; readonly all: readonly string[] } {
    return { here: this.#branch, all: [...this.#branches.keys()] };
  }

  get #here(): Branch {
    const branch = this.#branches.get(this.#branch);
    if (!branch) throw new Error(`There is no branch ${this.#branch}.`);
    return branch;
  }

  /**
   * Says `text` and yields what happens until the model is done. A turn that fails leaves the conversation as it was, but for
   * the outputs of tools that ran; one that was cancelled stays as far as it was shown. Returns null where the server could not
   * be told to stop. Throws what the client throws, the signal's reason, or an `Error` for people when nothing can be reached.
   */
  async *ask(text: string, signal: AbortSignal): AsyncGenerator<RunEvent, RunResult | null, undefined> {
    const branch = this.#here;
    const message: InputItem = { type: 'message', role: 'user', content: text };
    const { instructions, tools, approve, isStored } = this.#options;
    branch.lane ??= (await this.#connected(signal)).lane();
    const run = runTools({
      lane: branch.lane,
      model: this.model,
      instructions,
      input: [...branch.owed, message],
      previous_response_id: branch.parent,
      store: isStored,
      tools,
      approve,
      signal,
    });
    this.#run = run;
    let [shown, isCancelled] = ['', false];
    try {
      for await (const event of run) {
        if (event.type === 'turn.start') shown = '';
        if (event.type === 'model' && event.event.type === 'response.output_text.delta') shown += event.event.delta;
        yield event;
      }
      return await run.result();
    } catch (error) {
      isCancelled = !signal.aborted && error instanceof DOMException && error.name === 'AbortError';
      if (isCancelled) return null;
      throw error;
    } finally {
      const { previous_response_id: parent, input } = run.continuation;
      branch.parent = parent;
      branch.owed = isCancelled ? [...input, ...toAnswer(shown)] : input.filter((item) => item !== message);
      this.#run = null;
    }
  }

  /** Whether an answer runs, which can be steered and cancelled. */
  get isRunning(): boolean {
    return this.#run !== null;
  }

  /** Says something to the answer that runs. False where none does. */
  steer(text: string): boolean {
    return this.#run?.steer(text) ?? false;
  }

  /** Ends the answer that runs, with what it has said. */
  cancel(): void {
    this.#run?.cancel();
  }

  /** A copy of this branch, which is talked to from now on. Returns its name. Throws an `Error` for people. */
  fork(name = `fork-${this.#branches.size}`): string {
    if (!/^[\w.-]{1,64}$/.test(name)) throw new Error('A branch is named by letters, digits, hyphens and periods.');
    if (this.#branches.has(name)) throw new Error(`There is a branch ${name} already.`);
    const { lane, parent, owed } = this.#here;
    this.#branches.set(name, { lane: lane?.fork() ?? null, parent, owed: [...owed] });
    this.#branch = name;
    return name;
  }

  /** Talks to another branch. Throws an `Error` for people. */
  go(name: string): void {
    if (!this.#branches.has(name)) throw new Error(`There is no branch ${name}.`);
    this.#branch = name;
  }

  /** Has the server seal what was said so far into a summary. Returns its usage. Throws what a turn throws, or an `Error` for people. */
  async compact(signal: AbortSignal): Promise<Usage | null> {
    const branch = this.#here;
    if (branch.lane === null || branch.parent === null) throw new Error('Nothing was said yet.');
    const { instructions, isStored } = this.#options;
    const turn = branch.lane.create(
      {
        model: this.model,
        instructions,
        input: [...branch.owed, { type: 'compaction_trigger' }],
        previous_response_id: branch.parent,
        store: isStored,
      },
      { signal },
    );
    const { id, usage } = await turn.response;
    Object.assign(branch, { parent: id, owed: [] });
    return usage ?? null;
  }

  /** Goes on from a response that the server has stored. */
  resume(responseId: string): void {
    Object.assign(this.#here, { parent: responseId, owed: [] });
  }

  /** Forgets what was said, in all branches. */
  restart(): void {
    this.#branch = firstBranch;
    const lane = this.#branches.get(firstBranch)?.lane ?? null;
    this.#branches.clear();
    this.#branches.set(firstBranch, { lane, parent: null, owed: [] });
  }

  close(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  async #connected(signal: AbortSignal): Promise<Connection> {
    if (this.#connection) return this.#connection;
    const { baseUrl, apiKey } = this.#options.server;
    try {
      this.#connection = await connect({ baseUrl, signal, ...(apiKey !== null && { apiKey }) });
      return this.#connection;
    } catch (error) {
      // It may have a better word for why nothing can be reached.
      if (error instanceof ConnectError) await listModels(this.#options.server);
      throw error;
    }
  }
}

function toAnswer(shown: string): InputItem[] {
  return shown === '' ? [] : [{ type: 'message', role: 'assistant', content: shown }];
}
