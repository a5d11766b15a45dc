/**
 * The reference model of one connection: lanes, queues, newest responses, eviction, open calls, steers (dossier D.4, E, F). It says
 * what must come in each lane, in order. Written from the dossier, with other means than the server: no chains, no promises.
 */
import { unrenderable, type Plan } from './controlled-engine.ts';

/** What a client asks for, in the model's words. */
export interface Create {
  readonly lane: string;
  /** Name of the parent; a name that no response has stands for an id that nobody knows. */
  readonly parent: string | null;
  readonly text: string;
  /** Calls that the input answers, such as `a#1/1`. */
  readonly answers: readonly string[];
  readonly plan: Plan;
  readonly store: boolean;
  readonly generate: boolean;
  readonly model: 'test-model' | 'unknown-model';
}

/** A response, named after its lane and its number there: `a#1`. */
export interface ModelResponse {
  readonly name: string;
  readonly create: Create;
  /** The items of the chain, each as the engine describes it; its own output too, once it has ended. */
  readonly history: readonly string[];
  readonly openCalls: readonly string[];
  readonly isStored: boolean;
}

/** The response that a lane runs, or ran last. */
interface Target {
  response: ModelResponse;
  phase: 'running' | 'waiting' | 'completed' | 'stopped';
  queued: string[];
}

type Job =
  | { readonly kind: 'create'; readonly create: Create; readonly bound: ModelResponse | null }
  | { readonly kind: 'refusal'; readonly code: string; readonly parent: string | null };

interface Lane {
  readonly name: string;
  readonly queue: Job[];
  isBusy: boolean;
  newest: ModelResponse | null;
  target: Target | null;
}

/** The limits that the server under test was started with. */
export const limits = { maxLanes: 3, maxInFlight: 2, maxQueued: 3, maxPendingSteers: 2 };

/** Name of the default lane. */
export const defaultLane = 'default';

const hasCalls = (plan: Plan) => plan === 'call' || plan === 'calls';

/** The model. Every call changes it as the same frame changes the server. */
export class Model {
  /** What came in each lane, in order. */
  readonly told = new Map<string, string[]>();
  #lanes = new Map<string, Lane>();
  /** Every response that has ended well, for parents to be found. */
  readonly #ended = new Map<string, ModelResponse>();
  /** Counted over all sockets, so that a name is never used twice. */
  readonly #names = new Map<string, number>();
  #ready: Lane[] = [];
  #inFlight = 0;

  /** Names of the responses that run. */
  get running(): string[] {
    return this.#targets.filter(({ phase }) => phase === 'running').map(({ response }) => response.name);
  }

  /** Names of the responses that ended with calls that the client must answer. */
  get waiting(): string[] {
    return this.#targets.filter(({ phase }) => phase === 'waiting').map(({ response }) => response.name);
  }

  /** Names of all responses that have ended well, on this socket and before. */
  get ended(): string[] {
    return [...this.#ended.keys()];
  }

  newestOf(lane: string): ModelResponse | null {
    return this.#lanes.get(lane)?.newest ?? null;
  }

  /** Calls that a continuation of this response must answer. */
  openCallsOf(name: string | null): readonly string[] {
    return (name !== null && this.#ended.get(name)?.openCalls) || [];
  }

  create(create: Create): void {
    this.#receive(create.lane, () => ({ kind: 'create', create, bound: this.#findNewest(create.parent) }));
  }

  /** A create that is refused before it runs. */
  malformed(lane: string, code: string, parent: string | null): void {
    this.#receive(lane, () => ({ kind: 'refusal', code, parent }));
  }

  /** A frame of no lane: answered on the default one, in its turn. */
  badFrame(code: string): void {
    this.#enqueue(this.#lane(defaultLane), { kind: 'refusal', code, parent: null });
    this.#pump();
  }

  /** The engine lets a running response come to its own end. */
  release(name: string): void {
    const [lane, target] = this.#find(name);
    const { response } = target;
    const { plan } = response.create;
    if (plan === 'fail') {
      this.#tell(lane.name, `failed ${name}`);
      this.#evict(lane, response.create.parent);
      return this.#stop(lane, target);
    }
    const [items, calls] = outputOf(response, true);
    const text = `${response.history.length} ${echoOf(response)}`;
    this.#end(lane, target, items, calls, plan === 'limit' ? `max_output_tokens ${text}` : `completed ${text}`);
    this.#follow(lane, target);
  }

  cancel(name: string): void {
    const found = this.#targets.find(({ response, phase }) => phase === 'running' && response.name === name);
    if (!found) return;
    const [lane, target] = this.#find(name);
    const [items, calls] = outputOf(target.response, false);
    this.#end(lane, target, items, calls, `cancelled ${echoOf(target.response)}`);
    this.#stop(lane, target);
  }

  steer(name: string, text: string): void {
    const lane = [...this.#lanes.values()].find(({ target }) => target?.response.name === name);
    const target = lane?.target;
    if (!lane || !target) return this.#tell(defaultLane, 'steer.failed response_not_found');
    if (target.phase === 'completed') return this.#tell(lane.name, 'steer.failed response_already_completed');
    if (target.phase === 'stopped') return this.#tell(lane.name, 'steer.failed response_not_active');
    if (target.queued.length >= limits.maxPendingSteers) {
      return this.#tell(lane.name, 'steer.failed too_many_pending_steers');
    }
    target.queued.push(text);
    this.#tell(lane.name, `steer.accepted ${name}`);
    if (target.phase === 'waiting') {
      if (!this.#isContinued(lane, name)) this.#tell(lane.name, pendingOf(target));
    } else if (!hasCalls(target.response.create.plan)) {
      const [items, calls] = outputOf(target.response, false);
      this.#end(lane, target, items, calls, `steered ${echoOf(target.response)}`);
      this.#follow(lane, target);
    }
  }

  /** The socket closes: every lane is forgotten. */
  close(): void {
    this.#lanes = new Map();
    this.#ready = [];
    this.#inFlight = 0;
    this.told.clear();
    for (const [name, response] of this.#ended) if (!response.isStored) this.#ended.delete(name);
  }

  get #targets(): Target[] {
    return [...this.#lanes.values()].flatMap(({ target }) => target ?? []);
  }

  #find(name: string): [Lane, Target] {
    for (const lane of this.#lanes.values()) if (lane.target?.response.name === name) return [lane, lane.target];
    throw new Error(`No ${name}.`);
  }

  #tell(lane: string, what: string): void {
    const told = this.told.get(lane);
    if (told) told.push(what);
    else this.told.set(lane, [what]);
  }

  #lane(name: string): Lane {
    let lane = this.#lanes.get(name);
    if (!lane) {
      lane = { name, queue: [], isBusy: false, newest: null, target: null };
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  #receive(name: string, createJob: () => Job): void {
    const named = [...this.#lanes.keys()].filter((lane) => lane !== defaultLane);
    if (name !== defaultLane && !this.#lanes.has(name) && named.length >= limits.maxLanes) {
      return this.#tell(name, 'error websocket_stream_limit_reached');
    }
    const lane = this.#lane(name);
    const waiting = [...this.#lanes.values()].reduce((sum, { queue }) => sum + queue.length, 0);
    const mustWait = lane.isBusy || lane.queue.length > 0 || this.#inFlight >= limits.maxInFlight;
    const isRefused = mustWait && waiting >= limits.maxQueued;
    this.#enqueue(
      lane,
      isRefused ? { kind: 'refusal', code: 'websocket_queue_limit_reached', parent: null } : createJob(),
    );
    this.#pump();
  }

  #enqueue(lane: Lane, job: Job): void {
    lane.queue.push(job);
    if (!lane.isBusy && lane.queue.length === 1) this.#ready.push(lane);
  }

  /** Starts what may start, until nothing does. */
  #pump(): void {
    for (;;) {
      const lane = this.#ready.find(({ queue }) => queue[0]?.kind === 'refusal' || this.#inFlight < limits.maxInFlight);
      const job = lane?.queue.shift();
      if (!lane || !job) return;
      this.#ready = this.#ready.filter((each) => each !== lane);
      lane.isBusy = true;
      if (job.kind === 'create') {
        this.#inFlight++;
        this.#run(lane, job);
      } else {
        this.#refuse(lane, job.code, job.parent);
        this.#idle(lane);
      }
    }
  }

  /** The lane's job is over. */
  #idle(lane: Lane): void {
    lane.isBusy = false;
    if (lane.queue.length > 0) this.#ready.push(lane);
  }

  #finish(lane: Lane): void {
    this.#inFlight--;
    this.#idle(lane);
    this.#pump();
  }

  #run(lane: Lane, { create, bound }: Job & { kind: 'create' }): void {
    const former = lane.target;
    const prepended = former?.phase === 'waiting' && former.response.name === create.parent ? former.queued : [];
    if (former?.response.name === create.parent && former.phase === 'waiting') former.phase = 'completed';
    const parent = bound ?? this.#findNewest(create.parent) ?? this.#findStored(create.parent);
    const code = this.#refusalOf(create, parent, prepended);
    if (code !== null) {
      this.#refuse(lane, code, create.parent);
      for (const _ of prepended) this.#tell(lane.name, 'steer.failed accepted successor_creation_failed');
      this.#inFlight--;
      return this.#idle(lane);
    }
    if (former?.phase === 'waiting') {
      former.phase = 'completed';
      for (const _ of former.queued) this.#tell(lane.name, 'steer.failed accepted successor_creation_failed');
    }
    this.#begin(lane, create, parent, prepended);
  }

  #refusalOf(create: Create, parent: ModelResponse | null, prepended: readonly string[]): string | null {
    if (create.parent !== null && !parent) return 'previous_response_not_found';
    if (create.model !== 'test-model') return 'model_not_found';
    const open = parent?.openCalls ?? [];
    if (create.answers.some((call) => !open.includes(call))) return 'null';
    if (create.generate && open.some((call) => !create.answers.includes(call))) return 'null';
    return [...prepended, create.text].includes(unrenderable) ? 'invalid_prompt' : null;
  }

  #begin(lane: Lane, create: Create, parent: ModelResponse | null, steers: readonly string[]): void {
    const number = (this.#names.get(lane.name) ?? 0) + 1;
    this.#names.set(lane.name, number);
    const response: ModelResponse = {
      name: `${lane.name}#${number}`,
      create,
      history: [
        ...(parent?.history ?? []),
        ...steers,
        ...create.answers.map(() => 'o'),
        ...(create.text ? [create.text] : []),
      ],
      openCalls: (parent?.openCalls ?? []).filter((call) => !create.answers.includes(call)),
      isStored: create.store,
    };
    const target: Target = { response, phase: 'running', queued: [] };
    lane.target = target;
    this.#tell(lane.name, `created ${response.name} after ${create.parent}`);
    if (create.generate) return;
    this.#end(lane, target, [], [], `completed ${response.history.length} `);
    this.#settle(lane, target);
    this.#inFlight--;
    this.#idle(lane);
  }

  /** The response ends with this output, which makes it the lane's newest. */
  #end(lane: Lane, target: Target, items: readonly string[], calls: readonly string[], how: string): void {
    const { response } = target;
    const ended = {
      ...response,
      history: [...response.history, ...items],
      openCalls: [...response.openCalls, ...calls],
    };
    target.response = ended;
    lane.newest = ended;
    this.#ended.set(ended.name, ended);
    this.#tell(lane.name, `${how.split(' ', 1)[0]} ${ended.name} ${how.slice(how.indexOf(' ') + 1)}`);
  }

  /** A response that was cancelled, or failed: what waited for it is given back. */
  #stop(lane: Lane, target: Target): void {
    target.phase = 'stopped';
    for (const _ of target.queued) this.#tell(lane.name, 'steer.failed accepted response_not_active');
    this.#finish(lane);
  }

  #settle(lane: Lane, target: Target): void {
    const { name, openCalls } = target.response;
    target.phase = openCalls.length > 0 ? 'waiting' : 'completed';
    if (target.phase === 'completed' || this.#isContinued(lane, name)) return;
    for (const _ of target.queued) this.#tell(lane.name, pendingOf(target));
  }

  /** After a response that ended by itself, or was steered: the successor, if steers wait for one. */
  #follow(lane: Lane, target: Target): void {
    this.#settle(lane, target);
    const { response, phase, queued } = target;
    if (phase === 'waiting' || queued.length === 0) return this.#finish(lane);
    if (queued.includes(unrenderable)) {
      for (const _ of queued) this.#tell(lane.name, 'steer.failed accepted successor_creation_failed');
      return this.#finish(lane);
    }
    const create = { ...response.create, parent: response.name, text: '', answers: [], generate: true };
    this.#begin(lane, create, response, queued);
  }

  #refuse(lane: Lane, code: string, parent: string | null): void {
    this.#evict(lane, parent);
    this.#tell(lane.name, `error ${code}`);
  }

  #evict(lane: Lane, parent: string | null): void {
    if (lane.newest?.name === parent) lane.newest = null;
  }

  #findNewest(name: string | null): ModelResponse | null {
    return [...this.#lanes.values()].find(({ newest }) => newest?.name === name)?.newest ?? null;
  }

  #findStored(name: string | null): ModelResponse | null {
    const found = name === null ? undefined : this.#ended.get(name);
    return found?.isStored ? found : null;
  }

  #isContinued(lane: Lane, name: string): boolean {
    return lane.queue.some((job) => job.kind === 'create' && job.create.parent === name);
  }
}

function pendingOf({ response }: Target): string {
  return `steer.pending ${response.name} ${response.openCalls.join(' ')}`;
}

/** What the engine says of the history that it was given, where the plan says anything. */
function echoOf({ create, history }: ModelResponse): string {
  return create.plan === 'call' || create.plan === 'silent' ? '' : history.join(' ');
}

/** The items and open calls that a plan adds to the chain. A call that was cut off is not one that can be answered. */
function outputOf({ name, create }: ModelResponse, isWhole: boolean): [items: string[], calls: string[]] {
  switch (create.plan) {
    case 'silent':
      return [[], []];
    case 'think':
      return [['r', 'a'], []];
    case 'call':
      return isWhole ? [['c'], [`${name}/1`]] : [[], []];
    case 'calls':
      return isWhole
        ? [
            ['a', 'c', 'k'],
            [`${name}/1`, `${name}/2`],
          ]
        : [['a', 'c'], [`${name}/1`]];
    case 'text':
    case 'limit':
    case 'fail':
      return [['a'], []];
  }
}
