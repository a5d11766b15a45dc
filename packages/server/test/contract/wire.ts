/**
 * What every client may rely on, checked on each frame that one socket receives (dossier C.1 and C.2; PROTOCOL.md, 3 and 4): the
 * shapes, the numbers, the brackets, one terminal event, and a terminal response that is the sum of the events before it.
 */
import { isDeepStrictEqual } from 'node:util';
import { parseServerEvent, ResponseFold, type KnownEvent, type Response } from '@longwire/protocol';
import { Brackets } from './brackets.ts';
import { requireSdkEvent } from './sdk-shapes.ts';

/** A frame that was found good. `streamId` is null on the default lane. */
export interface CheckedFrame {
  readonly streamId: string | null;
  readonly event: KnownEvent;
}

/** One response while its events come in. */
interface OpenResponse {
  readonly response: Response;
  readonly fold: ResponseFold;
  readonly brackets: Brackets;
  hasProgress: boolean;
}

type Lifecycle = KnownEvent & { response: Response };
type Steering = Extract<KnownEvent, { type: `response.steer.${string}` }>;

/** Checks the frames of one socket, in the order in which they came. */
export class WireChecker {
  /** The response that runs in a lane. */
  readonly #open = new Map<string | null, OpenResponse>();
  /** The next number of every response, also after its end: steering events go on counting (dossier O.18). */
  readonly #next = new Map<string, number>();

  /** Lanes with a response that has begun and not ended. */
  get openLanes(): readonly (string | null)[] {
    return [...this.#open.keys()];
  }

  /** Throws an `Error` that says which rule the frame breaks. */
  accept(json: string): CheckedFrame {
    const event = parseServerEvent(json) as KnownEvent;
    requireSdkEvent(event);
    const streamId = streamIdOf(event);
    const { sequence_number: number } = event as { sequence_number?: number };
    if (number === undefined) throw new Error(`${event.type} has no sequence_number.`);
    switch (event.type) {
      case 'error':
        this.#acceptError(event, streamId);
        break;
      case 'response.steer.accepted':
      case 'response.steer.pending':
      case 'response.steer.failed':
        this.#acceptSteering(event);
        break;
      case 'response.created':
        this.#acceptCreated(event, streamId);
        break;
      default:
        this.#acceptInside(event, streamId);
    }
    return { streamId, event };
  }

  #acceptError(event: KnownEvent & { type: 'error' }, streamId: string | null): void {
    if (!('error' in event)) throw new Error('An error event in the flat form.');
    if (this.#open.has(streamId)) throw new Error(`An error in the middle of a response: ${JSON.stringify(event)}`);
    if (event.sequence_number !== 0) throw new Error('An error of no response is not numbered 0.');
    const { status = 0, error } = event;
    if (status < 400 || status > 599) throw new Error(`An error has status ${status}.`);
    if (!/\S/.test(error.message)) throw new Error('An error without words.');
  }

  /** Counted in the series of its target; 0 where the connection does not know it, or no longer (dossier O.19). */
  #acceptSteering(event: Steering): void {
    const { steer, sequence_number: number } = event;
    const isKnown = event.type !== 'response.steer.failed' || event.steer.id !== undefined;
    if (isKnown || number !== 0) this.#count(steer.previous_response_id, number);
  }

  #acceptCreated(event: Lifecycle, streamId: string | null): void {
    if (this.#open.has(streamId)) throw new Error('A response begins before the one before it has ended.');
    const { response } = event;
    if (this.#next.has(response.id)) throw new Error(`${response.id} is created twice.`);
    if (response.status !== 'in_progress' || response.output.length > 0)
      throw new Error('A response begins with output.');
    this.#next.set(response.id, 0);
    this.#count(response.id, event.sequence_number ?? -1);
    const open = { response, fold: new ResponseFold(), brackets: new Brackets(), hasProgress: false };
    open.fold.apply(event);
    this.#open.set(streamId, open);
  }

  #acceptInside(event: KnownEvent, streamId: string | null): void {
    const open = this.#open.get(streamId);
    if (!open) throw new Error(`${event.type} outside a response.`);
    this.#count(open.response.id, event.sequence_number ?? -1);
    if (!open.hasProgress && event.type !== 'response.in_progress') {
      throw new Error(`${event.type} comes before response.in_progress.`);
    }
    switch (event.type) {
      case 'response.in_progress':
        open.hasProgress = true;
        requireSame(open.response, event.response);
        return;
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        this.#open.delete(streamId);
        return checkEnd(open, event);
      default:
        open.brackets.accept(event);
        open.fold.apply(event);
    }
  }

  #count(responseId: string, number: number): void {
    const expected = this.#next.get(responseId);
    if (number !== expected) throw new Error(`${responseId} has number ${number} in place of ${expected}.`);
    this.#next.set(responseId, number + 1);
  }
}

function streamIdOf(event: KnownEvent): string | null {
  return Object.hasOwn(event, 'stream_id') ? ((event as { stream_id?: string }).stream_id ?? '') : null;
}

/** What a response may change while it runs, and at its end. */
const moving = ['status', 'completed_at', 'error', 'incomplete_details', 'output', 'usage', 'service_tier'] as const;

function still(response: Response): object {
  return { ...response, ...Object.fromEntries(moving.map((name) => [name, null])) };
}

function requireSame(created: Response, later: Response): void {
  if (!isDeepStrictEqual(still(created), still(later))) throw new Error(`${created.id} changed its settings.`);
}

function checkEnd({ response: created, fold, brackets }: OpenResponse, { type, response }: Lifecycle): void {
  requireSame(created, response);
  if (type !== `response.${response.status}`) throw new Error(`${type} carries a response that is ${response.status}.`);
  if ((response.completed_at !== null) !== (response.status === 'completed')) throw new Error('completed_at is wrong.');
  if ((response.error !== null) !== (response.status === 'failed')) throw new Error('error is wrong.');
  if ((response.incomplete_details !== null) !== (response.status === 'incomplete')) {
    throw new Error('incomplete_details is wrong.');
  }
  if (response.status === 'completed' && response.usage === null) throw new Error('A completed response has no usage.');
  // What failed in the middle of an item leaves it open: no client may take half an item for a whole one.
  if (type !== 'response.failed') brackets.requireClosed();
  const folded = fold.response?.output ?? [];
  const whole = brackets.isOpen ? folded.slice(0, -1) : folded;
  if (!isDeepStrictEqual(whole, response.output)) {
    throw new Error(`${JSON.stringify(response.output)} is not the sum of its events: ${JSON.stringify(whole)}.`);
  }
}
