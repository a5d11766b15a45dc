/** An agent: the model answers, its calls run here, their outputs are the next turn, until it calls nothing any more. */
import type {
  InputItem,
  OutputFunctionCallItem,
  OutputItem,
  Response,
  ServerEvent,
  SteerInput,
  Tool,
  Usage,
} from '@longwire/protocol';
import { ResponsesError } from '../errors.ts';
import type { Lane } from '../lane.ts';
import type { LaneRequest } from '../outgoing-request.ts';
import type { SteerOutcome } from '../steering.ts';
import { startLoop, stepLoop, toContinuation, withoutTrigger } from './loop.ts';
import type { Continuation, LoopInput, LoopState, LoopTurn, StopReason } from './loop.ts';
import { performCall, toFunctionTool } from './tool.ts';
import type { Approve, CallResult, RunnableTool } from './tool.ts';

/** What an agent works with: a request, but for what the loop sees to. Its fields go with every turn. */
export interface RunToolsOptions extends Omit<LaneRequest, 'input' | 'tools' | 'context_management'> {
  /** The run's own while it lasts. */
  readonly lane: Lane;
  readonly input: string | readonly InputItem[];
  /** Tools with a `run` run here; the others are the server's. With `parallel_tool_calls: false` they run one after the other. */
  readonly tools: readonly (RunnableTool | Tool)[];
  /** Asked before each call; without it all are allowed. */
  readonly approve?: Approve;
  /** Ends the run at once: the turn, and the signals of the tools. The result rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Turns of the model, 100 unless given. */
  readonly maxSteps?: number;
  /** Evaluated tokens: those of the input that came from no cache, and those of the output. Looked at between turns; no limit unless given. */
  readonly maxTokens?: number;
  /** Compacts the conversation once it has so many tokens; never unless given. A server that cannot is asked once. */
  readonly compactAt?: number;
}

/** What happens in a run. */
export type RunEvent =
  | { readonly type: 'turn.start'; readonly step: number; readonly isCompaction: boolean }
  | { readonly type: 'model'; readonly event: ServerEvent }
  | { readonly type: 'turn.end'; readonly step: number; readonly response: Response }
  | { readonly type: 'tool.call'; readonly call: OutputFunctionCallItem }
  | ({ readonly type: 'tool.output'; readonly call: OutputFunctionCallItem } & CallResult);

/** What a run came to. */
export interface RunResult {
  readonly stop: StopReason;
  /** The last one; null where no turn was allowed. */
  readonly response: Response | null;
  /** What the last response says. */
  readonly text: string;
  /** All that was added to the conversation, inputs and outputs, in order. */
  readonly items: readonly (InputItem | OutputItem)[];
  readonly steps: number;
  /** The sum over all responses, compactions included. */
  readonly usage: Usage;
}

/** A run. Whoever reads it drives it: iterate its events, or await `result()`. Leaving the iteration early ends the run. */
export interface ToolRun extends AsyncIterable<RunEvent> {
  /**
   * How it ended. Runs it where nobody iterates. Rejects with what a turn throws (`ResponsesError`, `ConnectionLostError`, …),
   * or with the signal's reason; `continuation` tells then what is left to say.
   */
  result(): Promise<RunResult>;
  /** Says something while it runs: to the running turn where the server can be steered, else in the next one. False: it is over. */
  steer(input: SteerInput): boolean;
  /** Ends the run with what was said so far, where the server can be told to stop; elsewhere `result` rejects with an `AbortError`. */
  cancel(): void;
  /** How the conversation goes on from here, also after an error: `runTools({ ...options, ...run.continuation })`. */
  readonly continuation: Continuation;
}

/** Runs a model with tools on a lane. Nothing runs until it is iterated or its result is asked for. No tool runs twice. */
export function runTools(options: RunToolsOptions): ToolRun {
  return new Run(options);
}

class Run implements ToolRun {
  readonly #options: RunToolsOptions;
  readonly #request: LaneRequest;
  readonly #tools: ReadonlyMap<string, RunnableTool>;
  readonly #events: AsyncGenerator<RunEvent, void, undefined>;
  readonly #end = Promise.withResolvers<RunResult>();
  /** Ends the run. */
  readonly #abort = new AbortController();
  /** Ends the tools, whether the run is aborted or cancelled. */
  readonly #toolsAbort = new AbortController();
  readonly #items: (InputItem | OutputItem)[] = [];
  #state: LoopState;
  #response: Response | null = null;
  #isRead = false;
  /** Said, and with the lane until the next turn. */
  #waiting: readonly InputItem[] = [];
  /** What was said to the turn that runs, and what comes of it. */
  #steers: Promise<Steered>[] = [];

  constructor(options: RunToolsOptions) {
    const { lane, input, tools, approve: _, signal: _signal, maxSteps, maxTokens, compactAt, ...request } = options;
    this.#options = options;
    this.#tools = new Map(tools.filter(isRunnable).map((tool) => [tool.name, tool]));
    const told = tools.map((tool) => (isRunnable(tool) ? toFunctionTool(tool) : tool));
    this.#request = { ...request, ...(told.length > 0 && { tools: told }) };
    const limits = { maxSteps: maxSteps ?? 100, maxTokens: maxTokens ?? Infinity, compactAt: compactAt ?? Infinity };
    const { previous_response_id: parent = lane.newest } = request;
    this.#state = startLoop(limits, parent, toItems(input));
    // Whoever only iterates meets the error there: it must not be an unhandled rejection as well.
    this.#end.promise.catch(() => {});
    this.#events = this.#run();
  }

  get continuation(): Continuation {
    const { input, ...rest } = toContinuation(this.#state);
    // A turn that failed took along what the lane had kept for it.
    return { ...rest, input: this.#isTurning ? [...this.#waiting, ...input] : input };
  }

  [Symbol.asyncIterator](): AsyncIterator<RunEvent, void, undefined> {
    this.#isRead = true;
    return this.#events;
  }

  async result(): Promise<RunResult> {
    if (!this.#isRead) {
      // Its errors are those of the result.
      for await (const _ of this);
    }
    return this.#end.promise;
  }

  steer(input: SteerInput): boolean {
    if (this.#isOver) return false;
    const items = toItems(input as string | readonly InputItem[]);
    if (!this.#isTurning) this.#step({ type: 'said', items });
    else this.#steers.push(this.#options.lane.steer(input).outcome.then((outcome) => this.#onSteered(items, outcome)));
    return true;
  }

  cancel(): void {
    this.#step({ type: 'cancelled' });
    this.#toolsAbort.abort(new DOMException('The run was cancelled.', 'AbortError'));
    if (this.#isTurning) this.#options.lane.cancel();
  }

  get #isTurning(): boolean {
    return this.#state.next.type === 'turn' && this.#state.next.isSent;
  }

  get #isOver(): boolean {
    return this.#state.next.type === 'end' || this.#abort.signal.aborted;
  }

  #step(input: LoopInput): void {
    this.#state = stepLoop(this.#state, input);
  }

  #stop(reason: unknown): void {
    this.#abort.abort(reason);
    this.#toolsAbort.abort(reason);
  }

  async *#run(): AsyncGenerator<RunEvent, void, undefined> {
    const { signal } = this.#options;
    const onAbort = () => this.#stop(signal?.reason);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    try {
      for (let { next } = this.#state; next.type !== 'end'; { next } = this.#state) {
        this.#abort.signal.throwIfAborted();
        yield* next.type === 'turn' ? this.#turn(next) : this.#calls(next.calls);
      }
    } catch (error) {
      this.#stop(error);
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#settle();
    }
  }

  /** It has ended, by itself, by an error, or because nobody reads on. */
  #settle(): void {
    const { next, steps, usage } = this.#state;
    if (next.type !== 'end') {
      this.#stop(new DOMException('Nobody reads the run any more.', 'AbortError'));
      return this.#end.reject(this.#abort.signal.reason);
    }
    const text = this.#response?.output.map(textOf).join('') ?? '';
    this.#end.resolve({ stop: next.stop, response: this.#response, text, items: this.#items, steps, usage });
  }

  async *#turn(next: LoopTurn): AsyncGenerator<RunEvent, void, undefined> {
    const { isCompaction } = next;
    const step = this.#state.steps + 1;
    const request = { ...this.#request, input: [...next.input], previous_response_id: this.#state.parent };
    const turn = this.#options.lane.create(request, { signal: this.#abort.signal });
    this.#step({ type: 'sent' });
    yield { type: 'turn.start', step, isCompaction };
    const responses: Response[] = [];
    try {
      for await (const event of turn) {
        if (event.type === 'response.completed' || event.type === 'response.incomplete') responses.push(event.response);
        yield { type: 'model', event };
      }
    } catch (error) {
      await this.#settleSteers();
      if (!isCompaction || !(error instanceof ResponsesError)) throw error;
      return this.#step({ type: 'uncompacted' });
    }
    const response = await turn.response;
    responses.splice(-1, 1, response);
    const steered = await this.#settleSteers();
    const heard = ({ id }: Response) => steered.flatMap(({ answer, items }) => (answer === id ? items : []));
    this.#items.push(
      ...this.#waiting,
      ...withoutTrigger(next),
      ...responses.flatMap((each) => [...heard(each), ...each.output]),
    );
    this.#waiting = steered.flatMap(({ answer, items }) => (answer === null ? items : []));
    this.#response = response;
    this.#step({ type: 'responded', responses });
    yield { type: 'turn.end', step, response };
  }

  async *#calls(calls: readonly OutputFunctionCallItem[]): AsyncGenerator<RunEvent, void, undefined> {
    const { parallel_tool_calls: inParallel, approve } = this.#options;
    const { signal } = this.#toolsAbort;
    const askInOrder = approve && oneByOne(approve);
    const perform = inParallel === false ? oneByOne(performCall) : performCall;
    // A tool that does not heed its signal is not waited for.
    const stopped = Promise.withResolvers<CallResult>();
    const onStop = () => stopped.resolve({ output: 'error: The call was stopped.', outcome: 'stopped' });
    if (signal.aborted) onStop();
    else signal.addEventListener('abort', onStop, { once: true });
    const running = new Map<string, Promise<RunEvent & { readonly type: 'tool.output' }>>();
    const start = async (call: OutputFunctionCallItem) => {
      const result = await Promise.race([stopped.promise, perform(call, this.#tools, askInOrder, signal)]);
      this.#step({ type: 'answered', callId: call.call_id, output: result.output });
      return { type: 'tool.output' as const, call, ...result };
    };
    try {
      for (const call of calls) {
        yield { type: 'tool.call', call };
        running.set(call.call_id, start(call));
      }
      while (running.size > 0) {
        const ended = await Promise.race(running.values());
        running.delete(ended.call.call_id);
        yield ended;
      }
    } finally {
      signal.removeEventListener('abort', onStop);
    }
  }

  async #onSteered(items: readonly InputItem[], outcome: SteerOutcome): Promise<Steered> {
    if (outcome.state !== 'failed') return { items, answer: outcome.state === 'applied' ? outcome.responseId : null };
    this.#step({ type: 'said', items });
    return { items: [], answer: null };
  }

  /** The turn has ended: what was said to it has reached the model, waits for the next turn, or is ours to say again. */
  async #settleSteers(): Promise<Steered[]> {
    const settled: Steered[] = [];
    while (this.#steers.length > 0 && !this.#abort.signal.aborted)
      settled.push(...(await Promise.all(this.#steers.splice(0))));
    return settled;
  }
}

/** Items that a running turn was given. */
interface Steered {
  readonly items: readonly InputItem[];
  /** Id of the response that answers them; null where the lane brings them with the next turn. */
  readonly answer: string | null;
}

/** The same function, but each call of it waits for the one before. */
function oneByOne<Args extends unknown[], Value>(
  call: (...args: Args) => Promise<Value> | Value,
): (...args: Args) => Promise<Value> {
  let before: Promise<unknown> = Promise.resolve();
  return (...args) => {
    const value = before.then(() => call(...args));
    before = value.catch(() => {});
    return value;
  };
}

function isRunnable(tool: RunnableTool | Tool): tool is RunnableTool {
  return 'run' in tool && typeof tool.run === 'function';
}

function toItems(input: string | readonly InputItem[]): readonly InputItem[] {
  return typeof input === 'string' ? [{ type: 'message', role: 'user', content: input }] : input;
}

function textOf(item: OutputItem): string {
  if (item.type !== 'message') return '';
  return item.content.map((part) => (part.type === 'output_text' ? part.text : '')).join('');
}
