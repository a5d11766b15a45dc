/** What reads one call, character by character. */
import type { EngineEvent } from '../../engine.ts';
import { CustomInputDecoder } from '../../chat/custom-input.ts';
import type { CallTarget } from '../tools.ts';

/** Reads one call; gives its arguments out as they stream. */
export interface CallReader {
  /** True once all of the call was read. */
  readonly isClosed: boolean;
  /** Inside a JSON string a closing tag is text. */
  readonly isInString: boolean;
  /** All that was read: what to show when it turns out to be no call. */
  readonly body: string;
  /** Whether it has named a tool: without a name it is no call. */
  readonly isNamed: boolean;
  /** The custom tool whose arguments are open: the brace before them was read, and not yet the one behind them. */
  readonly openInput: CallTarget | null;
  /** Whether it is sure by now that this will be no call. */
  readonly isHopeless: boolean;
  /** Whether the model wrote an id that no event tells. */
  readonly hasUntoldId?: boolean;
  /** Reads one character. */
  push(character: string): void;
  /** Events for what was read since the last time. */
  take(): EngineEvent[];
  /** What is left when the call has ended. */
  finish(): EngineEvent[];
}

/** What of a call was given out. */
export class CallEvents {
  #isAnnounced = false;
  #sent = 0;
  readonly #input = new CustomInputDecoder();

  /** Events for what was not given out yet of a call whose arguments are these so far. `callId`: its `call_id`, where that is not to be any. */
  take(target: CallTarget, args: string, callId: string | null = null): EngineEvent[] {
    const events: EngineEvent[] = [];
    if (!this.#isAnnounced) {
      this.#isAnnounced = true;
      const { kind, name, namespace } = target;
      const given = { ...(namespace === undefined ? {} : { namespace }), ...(callId === null ? {} : { callId }) };
      events.push({ type: 'call.start', kind, name, ...given });
    }
    const written = args.slice(this.#sent);
    this.#sent = args.length;
    const delta = target.kind === 'custom' ? this.#input.push(written) : written;
    if (delta !== '') events.push({ type: 'call.delta', delta });
    return events;
  }

  /** Events for what is left of a call whose arguments are these. */
  finish(target: CallTarget, args: string, callId: string | null = null): EngineEvent[] {
    const events = this.take(target, args, callId);
    const rest = target.kind === 'custom' ? this.#input.end() : '';
    if (rest !== '') events.push({ type: 'call.delta', delta: rest });
    return events;
  }
}

/** A JSON value; null where the text is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
