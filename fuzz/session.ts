/** One socket under fire: sends batches without waiting, checks every frame, and waits until everything was answered. */
import type { KnownEvent } from '@longwire/protocol';
import { WireChecker, type CheckedFrame } from '../packages/server/test/contract/wire.ts';
import { expectationOf } from './expectation.ts';
import { modelName, type Input } from './inputs.ts';
import { requireDiscretion } from './discretion.ts';
import type { Random } from './random.ts';
import { openBrittleWire, openPlainWire, type Listener, type Wire } from './wire.ts';

/** How long the server may take to answer a batch, in milliseconds. */
const patienceMs = 30_000;

/** Ids of responses that are kept, for inputs to name. */
const keptIds = 200;

/** Terminal events of a lane: those that must come, and those that came. */
interface Lane {
  owed: number;
  told: number;
}

/** A socket. Everything that is wrong makes `fire` throw. */
export class Session {
  #wire: Wire | null = null;
  readonly #ids: string[];
  readonly #checker = new WireChecker();
  readonly #lanes = new Map<string | null, Lane>();
  /** Steers that were answered, and those of them that may bring a response of their own. */
  #steersOwed = 0;
  #steersTold = 0;
  #successors = 0;
  #error: Error | null = null;
  #wake: (() => void) | null = null;
  frames = 0;
  /** Inputs that made a response. */
  responses = 0;

  private constructor(ids: string[]) {
    this.#ids = ids;
  }

  /** `ids` is filled with ids of finished responses. With `cuts` the connection is resumable, and its sockets break by chance. */
  static async open(url: string, ids: string[], cuts: Random | null): Promise<Session> {
    const session = new Session(ids);
    const listener: Listener = {
      onFrame: (json, isBinary) => session.#receive(json, isBinary),
      onClose: (code) => session.#fail(new Error(`The server closed the socket with ${code}.`)),
    };
    const address = `${url.replace(/^http/, 'ws')}/responses`;
    session.#wire = cuts ? await openBrittleWire(address, listener, cuts) : await openPlainWire(address, listener);
    return session;
  }

  /** Sends the inputs at once, then a request in every lane that must get through. Resolves when all is answered. */
  async fire(inputs: readonly Input[]): Promise<void> {
    for (const input of inputs) {
      if (!this.#wire?.carries(input)) continue;
      const expected = expectationOf(input);
      if (expected.kind === 'terminal') this.#laneOf(expected.lane).owed++;
      else if (expected.kind === 'steer') this.#steersOwed++;
      this.#wire.send(input);
    }
    for (const [lane, state] of this.#lanes) {
      state.owed++;
      const streamId = lane === null ? {} : { stream_id: lane };
      this.#wire?.send(
        JSON.stringify({ type: 'response.create', model: modelName, input: 'Alive?', store: false, ...streamId }),
      );
    }
    await this.#answered();
    for (const [lane, { owed, told }] of this.#lanes) {
      if (told > owed + this.#successors)
        throw new Error(`Lane ${lane ?? 'default'}: ${told} answers to ${owed} requests.`);
    }
  }

  close(): void {
    this.#wire?.close();
  }

  async #answered(): Promise<void> {
    const timer = setTimeout(() => this.#fail(new Error(`No answer: ${this.#owing()}.`)), patienceMs);
    try {
      while (this.#error === null && this.#owing() !== '') {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (this.#error) throw this.#error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** What is still to come; empty when everything was answered. */
  #owing(): string {
    const owing: string[] = [];
    for (const [lane, { owed, told }] of this.#lanes) {
      if (told < owed) owing.push(`${owed - told} in lane ${lane ?? 'default'}`);
    }
    if (this.#steersTold < this.#steersOwed) owing.push(`${this.#steersOwed - this.#steersTold} steers`);
    return owing.length > 0 ? owing.join(', ') : this.#checker.openLanes.map((lane) => `the end of ${lane}`).join(', ');
  }

  #receive(json: string, isBinary: boolean): void {
    this.frames++;
    try {
      if (isBinary) throw new Error('A binary frame.');
      const checked = this.#checker.accept(json);
      requireDiscretion(checked.event);
      this.#count(checked);
    } catch (error) {
      this.#fail(new Error(`${(error as Error).message}\nFrame: ${json.slice(0, 2000)}`));
    }
    // The batch may be over with a terminal event or with an answer to a steer: no other frame ends anything.
    if (/^\{"type":"(error|response\.(completed|incomplete|failed|steer))/.test(json)) this.#wake?.();
  }

  #count({ streamId, event }: CheckedFrame): void {
    switch (event.type) {
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        this.responses++;
        this.#keep(event);
        this.#laneOf(streamId).told++;
        return;
      case 'error':
        this.#laneOf(streamId).told++;
        return;
      case 'response.steer.accepted':
        this.#successors++;
        this.#steersTold++;
        return;
      case 'response.steer.failed':
        if (event.steer.id === undefined) this.#steersTold++;
        return;
      default:
    }
  }

  #keep(event: KnownEvent & { response: { id: string } }): void {
    if (this.#ids.push(event.response.id) > keptIds) this.#ids.shift();
  }

  #laneOf(id: string | null): Lane {
    let lane = this.#lanes.get(id);
    if (!lane) {
      lane = { owed: 0, told: 0 };
      this.#lanes.set(id, lane);
    }
    return lane;
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#wake?.();
  }
}
