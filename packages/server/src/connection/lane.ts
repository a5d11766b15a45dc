/** One ordered stream of a connection: what runs on it, what it remembers, how it is steered (dossier D, E, F). */
import {
  createId,
  toErrorEvent,
  toProtocolError,
  type CreateRequest,
  type KnownEvent,
  type ProtocolError,
  type SteerErrorCode,
  type SteerRequest,
} from '@longwire/protocol';
import type { ChainNode } from '../chain/node.ts';
import { resolveStoredNode } from '../chain/resolve.ts';
import type { UnnumberedEvent } from '../turn/open-item.ts';
import type { Claim } from '../turn/keyed-turns.ts';
import { releaseNode } from '../turn/release.ts';
import { TurnRun, type TurnHandle } from '../turn/runner.ts';
import {
  openSteering,
  stepSteering,
  steerMessage,
  toRequiredInput,
  type Steering,
  type SteeringEffect,
  type SteeringInput,
  type Submission,
} from '../turn/steering.ts';
import { openTurn, type Turn, type TurnServices } from '../turn/turn.ts';
import { logFailure } from '../turn/withheld.ts';

/** What a lane needs of its connection. */
export interface LaneSurroundings {
  /** For the log. */
  readonly connectionId: string;
  readonly services: TurnServices;
  readonly project: string;
  readonly maxPendingSteers: number;
  /** Sends events of a lane; resolves when the socket took them. */
  readonly send: (streamId: string | null, events: readonly KnownEvent[]) => Promise<void>;
  /** The node that some lane of the connection holds as its newest. */
  readonly findNewest: (responseId: string) => ChainNode | null;
  /** Every node that a lane of the connection holds. */
  readonly held: () => Iterable<ChainNode>;
  /** Whether a request that continues this response waits in the lane. */
  readonly isContinued: (lane: Lane, responseId: string) => boolean;
}

/** The response that runs in the lane, or ran last: what steers and cancels are aimed at. */
interface Target {
  readonly id: string;
  steering: Steering;
  /** Null once it has ended: what a finished turn held is not kept for the sake of a late steer. */
  run: TurnHandle | null;
  /** Numbers an event in the response's series. */
  number: (event: UnnumberedEvent) => KnownEvent;
}

/** A lane. The unnamed default lane has the id null. */
export class Lane {
  readonly id: string | null;
  readonly #around: LaneSurroundings;
  /** Its newest finished response, and nothing older. */
  #newest: ChainNode | null = null;
  /** The newest until a turn behind it failed: no request can name it, and one that sends its history again finds it prepared. */
  #lapsed: ChainNode | null = null;
  #target: Target | null = null;
  #closed = false;
  /** Whether a request has begun and its terminal event has not left. */
  #owes = false;
  /** Why turns are ended as they begin. */
  #failing: ProtocolError | null = null;

  constructor(id: string | null, around: LaneSurroundings) {
    this.id = id;
    this.#around = around;
  }

  get newest(): ChainNode | null {
    return this.#newest;
  }

  get lapsed(): ChainNode | null {
    return this.#lapsed;
  }

  /** Runs a request to its terminal event, and the successors that steers ask for. `parent` is bound, or looked up now. */
  run(body: CreateRequest, parent: ChainNode | null): Promise<void> {
    this.#owes = true;
    return this.#around.services.keyed.covers(body) ? this.#runKeyed(body, parent) : this.#begin(body, parent, null);
  }

  /** A request that may have been sent before: then its turn is read along from the first event, and nothing runs again. */
  async #runKeyed(body: CreateRequest, parent: ChainNode | null): Promise<void> {
    const claim = await this.#claim(body);
    if (!claim) return;
    try {
      if (!claim.seat) return await this.#begin(body, parent, claim);
      this.#step({ type: 'abandoned' });
      await this.#runChain(claim.seat);
    } finally {
      claim.release();
    }
  }

  /** Null where the request was refused. */
  async #claim(body: CreateRequest): Promise<Claim | null> {
    const { services, project } = this.#around;
    try {
      const claim = await services.keyed.claim(project, body);
      if (!this.#closed) return claim;
      claim.seat?.abort();
      claim.release();
    } catch (thrown) {
      this.refuse(toProtocolError(thrown), body.previous_response_id ?? null);
    }
    return null;
  }

  async #begin(body: CreateRequest, parent: ChainNode | null, claim: Claim | null): Promise<void> {
    const prepended = this.#resume(body.previous_response_id ?? null);
    const input = prepended.flatMap((submission) => submission.items);
    const request = input.length > 0 ? { ...body, input: [...input, ...body.input] } : body;
    const former = this.#target;
    const turn = await this.#open(request, parent, (error) => {
      this.refuse(error, body.previous_response_id ?? null);
      if (former) this.#failSubmissions(former, prepended);
    });
    if (!turn) return;
    this.#step({ type: 'abandoned' });
    const run = new TurnRun(this.#around.services, turn);
    await this.#runChain(claim ? claim.start(run) : run);
  }

  /** Answers a request with an error. The lane forgets its newest response if the request named it (dossier D.4). */
  refuse(error: ProtocolError, parentId: string | null): void {
    this.#owes = false;
    this.#around.services.meter?.refuse('websocket', error.entry);
    this.#evict(parentId);
    void this.#send([toErrorEvent(error, 0)]);
  }

  /** A defect of ours has ended the job: a request that was not answered is, and the lane goes on. */
  breakOff(error: ProtocolError): void {
    if (this.#owes) this.refuse(error, null);
  }

  /** Takes a steer if its target is here. */
  steer({ previousResponseId, input, items }: SteerRequest): boolean {
    const target = this.#target;
    if (target?.id !== previousResponseId) return false;
    const submission: Submission = { id: createId('steer'), input, items };
    if (target.run && !isSteerable(target.run.turn)) {
      this.#sendFailure(target, submission, 'steering_not_supported', false);
    } else {
      this.#step({ type: 'submit', submission, answered: this.#around.isContinued(this, previousResponseId) });
    }
    return true;
  }

  /** Ends the response if it runs here. */
  cancel(responseId: string): boolean {
    const target = this.#target;
    if (!target?.run || target.id !== responseId) return false;
    target.run.interrupt('cancelled');
    return true;
  }

  /** Ends what runs, and whatever begins from now on, with `response.failed`. */
  fail(error: ProtocolError): void {
    this.#failing = error;
    this.#target?.run?.fail(error);
  }

  /** Nobody listens any more: stops what runs and forgets everything. */
  close(): void {
    this.#closed = true;
    this.#target?.run?.abort();
    this.#target = null;
    if (this.#newest) releaseNode(this.#around.services, this.#newest);
    this.#newest = null;
    this.#forgetLapsed();
  }

  async #runChain(first: TurnHandle): Promise<void> {
    for (let next: TurnHandle | null = first; next;) {
      const run = next;
      const target: Target = { id: run.turn.id, steering: openSteering, run, number: (event) => run.number(event) };
      this.#target = target;
      this.#owes = true;
      if (this.#failing) run.fail(this.#failing);
      const events = run.events();
      let step = await events.next();
      for (; !step.done; step = await events.next()) await this.#send(step.value);
      const node = step.value;
      this.#owes = false;
      if (this.#closed) {
        // Nobody is left to tell.
        if (node) releaseNode(this.#around.services, node);
        return;
      }
      const following = this.#follow(target, run, node);
      const successor = following && (await following);
      target.number = createNumbering(run.nextNumber);
      target.run = null;
      next = successor && new TurnRun(this.#around.services, successor);
    }
  }

  /** After a turn: the lane's newest response, and the successor if steers wait for one. */
  #follow(target: Target, run: TurnHandle, node: ChainNode | null): Promise<Turn | null> | null {
    const { turn, isCancelled } = run;
    const { body } = turn.request;
    if (node) this.#advance(node, turn.request.parent);
    else this.#evict(body.previous_response_id ?? null);
    const effects = this.#step({
      type: 'ended',
      status: !node ? 'failed' : isCancelled ? 'cancelled' : 'finished',
      required: node ? toRequiredInput(node.openCalls) : [],
      answered: this.#around.isContinued(this, turn.id),
    });
    const succeed = effects.find((effect) => effect.type === 'succeed');
    if (!succeed) return null;
    const { generate: _, ...settings } = body;
    const request = {
      ...settings,
      previous_response_id: turn.id,
      input: succeed.submissions.flatMap((submission) => submission.items),
    };
    return this.#open(request, node, () => this.#failSubmissions(target, succeed.submissions));
  }

  async #open(
    body: CreateRequest,
    bound: ChainNode | null,
    onRefused: (error: ProtocolError) => void,
  ): Promise<Turn | null> {
    const { services, project, connectionId } = this.#around;
    try {
      const parentId = body.previous_response_id;
      const parent = bound ?? (parentId ? await this.#findParent(parentId) : null);
      const via = { transport: 'websocket' as const, connectionId, streamId: this.id };
      const held = this.#around.held();
      const turn = await openTurn(services, { body, parent, project, held, via });
      if (!this.#closed) return turn;
      turn.conversation?.close();
      return null;
    } catch (thrown) {
      const error = toProtocolError(thrown);
      if (error.cause !== undefined) logFailure(services.log, error, { connectionId, streamId: this.id });
      onRefused(error);
      return null;
    }
  }

  /** A parent that no lane held when the request came: by now this lane may, or else the store. */
  async #findParent(id: string): Promise<ChainNode> {
    return this.#around.findNewest(id) ?? resolveStoredNode(this.#around.services, this.#around.project, id);
  }

  /** `parent` is the one that was named: the node may stand for it by now (chain/packing.ts), and has none where it compacted. */
  #advance(node: ChainNode, parent: ChainNode | null): void {
    const former = this.#newest;
    this.#newest = node;
    const continues = node.parent !== null && parent === former;
    if (former && former !== node && !continues) releaseNode(this.#around.services, former);
    this.#forgetLapsed();
  }

  #evict(parentId: string | null): void {
    const node = this.#newest;
    if (!node || node.id !== parentId) return;
    this.#newest = null;
    this.#forgetLapsed();
    this.#lapsed = node;
  }

  #forgetLapsed(): void {
    if (this.#lapsed && this.#lapsed !== this.#newest) releaseNode(this.#around.services, this.#lapsed);
    this.#lapsed = null;
  }

  /** The steers that wait for a request that continues `parentId`. */
  #resume(parentId: string | null): readonly Submission[] {
    if (parentId === null || this.#target?.id !== parentId) return [];
    const prepend = this.#step({ type: 'resumed' }).find((effect) => effect.type === 'prepend');
    return prepend?.submissions ?? [];
  }

  /** One step of the target's steering; performs what it can, and returns all effects. */
  #step(input: SteeringInput): readonly SteeringEffect[] {
    const target = this.#target;
    if (!target) return [];
    const { state, effects } = stepSteering(target.steering, input, this.#around.maxPendingSteers);
    target.steering = state;
    for (const effect of effects) this.#perform(target, effect);
    return effects;
  }

  #perform(target: Target, effect: SteeringEffect): void {
    switch (effect.type) {
      case 'accept':
        void this.#send([
          target.number({ type: 'response.steer.accepted', steer: steerOf(target, effect.submission) }),
        ]);
        break;
      case 'interrupt':
        target.run?.interrupt('steered');
        break;
      case 'pending':
        void this.#send([
          target.number({
            type: 'response.steer.pending',
            reason: 'waiting_for_required_input',
            required_input: [...effect.required],
            steer: steerOf(target, effect.submission),
          }),
        ]);
        break;
      case 'fail':
        this.#sendFailure(target, effect.submission, effect.code, effect.accepted);
        break;
      case 'succeed':
      case 'prepend':
    }
  }

  #failSubmissions(target: Target, submissions: readonly Submission[]): void {
    for (const submission of submissions) this.#sendFailure(target, submission, 'successor_creation_failed', true);
  }

  #sendFailure(target: Target, submission: Submission, code: SteerErrorCode, accepted: boolean): void {
    const { id, input } = submission;
    void this.#send([
      target.number({
        type: 'response.steer.failed',
        error: { type: 'invalid_request_error', code, message: steerMessage(code) },
        steer: { ...(accepted ? { id } : {}), previous_response_id: target.id, input },
      }),
    ]);
  }

  #send(events: readonly KnownEvent[]): Promise<void> {
    return this.#around.send(this.id, events);
  }
}

/** Goes on counting where a turn has ended. In a scope of its own: a closure beside the turn would keep all of it alive. */
function createNumbering(first: number): Target['number'] {
  let next = first;
  return (event) => ({ ...event, sequence_number: next++ }) as KnownEvent;
}

function steerOf(target: Target, { id }: Submission): { id: string; previous_response_id: string } {
  return { id, previous_response_id: target.id };
}

/** Not in a conversation, and not with automatic compaction (dossier F.1). */
function isSteerable({ request: { body } }: Turn): boolean {
  return !body.conversation && !body.context_management?.length;
}
