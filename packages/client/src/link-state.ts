/**
 * The life of one connection to the server over one socket after the other, as a pure state machine (PROTOCOL.md, "Resumable
 * connections"). Ordinals count every frame of both directions, so whatever is cut, doubled or sent again, each frame is
 * taken exactly once and in order.
 */

/** What the server said of the connection: its first frame, where it was asked for a resumable one. */
export interface LinkAnswer {
  readonly token: string;
  /** Whether lanes, running turns and unacknowledged frames are still there. */
  readonly isResumed: boolean;
  /** The newest of our frames that it has. */
  readonly received: number;
  readonly graceMs: number;
}

/** A frame of ours whose arrival is not proven. */
export interface KeptFrame {
  readonly ordinal: number;
  readonly text: string;
}

export interface LinkState {
  /**
   * `open`: a socket carries frames. `resuming`: a new one is being opened, or waits for its answer; frames wait. `lost`: what
   * the server kept is gone.
   */
  readonly phase: 'open' | 'resuming' | 'lost';
  /** `asked`: no answer yet. `plain`: the server cannot resume, frames are not numbered. */
  readonly mode: 'asked' | 'plain' | 'resumable';
  readonly token: string | null;
  readonly graceMs: number;
  /** Ordinal of the newest frame taken. */
  readonly received: number;
  /** Ordinal of our newest frame. */
  readonly sent: number;
  readonly kept: readonly KeptFrame[];
  /** Bytes received since the last acknowledgement. */
  readonly unacknowledgedBytes: number;
}

export type LinkInput =
  | { readonly type: 'send'; readonly text: string }
  | { readonly type: 'answer'; readonly answer: LinkAnswer }
  /** A frame from the server; null where it carries no ordinal. */
  | { readonly type: 'frame'; readonly ordinal: number | null; readonly bytes: number; readonly isTerminal: boolean }
  /** The server has our frame of this ordinal, and so all before it. */
  | { readonly type: 'proven'; readonly ordinal: number }
  /** The socket has ended, or is about to be replaced. */
  | { readonly type: 'cut' }
  /** There is no use in trying to resume any longer. */
  | { readonly type: 'giveUp' };

export type LinkEffect =
  /** A frame for the socket. */
  | { readonly type: 'transmit'; readonly text: string }
  /** The frame that came goes on to its lane. */
  | { readonly type: 'deliver' }
  /** Frames of the server are missing: this socket is of no use any more. */
  | { readonly type: 'dropSocket' }
  /** Open a new socket that takes the connection up. */
  | { readonly type: 'reconnect' }
  /** It goes on where it was cut. */
  | { readonly type: 'resumed' }
  /** The server remembers nothing of this connection. */
  | { readonly type: 'lost' };

export interface LinkStep {
  readonly state: LinkState;
  readonly effects: readonly LinkEffect[];
}

/** So often the server hears how far we are, besides after each turn. */
const acknowledgeBytes = 64 * 1024;

/** A connection whose socket has just opened. `isAsked`: for a resumable one. */
export function createLinkState(isAsked: boolean): LinkState {
  const mode = isAsked ? 'asked' : 'plain';
  return {
    phase: 'open',
    mode,
    token: null,
    graceMs: 0,
    received: 0,
    sent: 0,
    kept: [],
    unacknowledgedBytes: 0,
  };
}

/** What follows from an input. */
export function stepLink(state: LinkState, input: LinkInput): LinkStep {
  if (state.phase === 'lost') return { state, effects: [] };
  switch (input.type) {
    case 'send':
      return send(state, input.text);
    case 'answer':
      return answer(state, input.answer);
    case 'frame':
      return frame(state, input);
    case 'proven':
      return { state: forget(state, input.ordinal), effects: [] };
    case 'cut':
      if (state.mode !== 'resumable') return lose(state);
      // What comes next is either the answer on a new socket, or the end.
      return { state: { ...state, phase: 'resuming' }, effects: [{ type: 'reconnect' }] };
    case 'giveUp':
      return lose(state);
  }
}

function send(state: LinkState, text: string): LinkStep {
  if (state.mode === 'plain') return { state, effects: [{ type: 'transmit', text }] };
  const ordinal = state.sent + 1;
  const numbered = `${text.slice(0, -1)},"longwire_seq":${ordinal}}`;
  return {
    state: { ...state, sent: ordinal, kept: [...state.kept, { ordinal, text: numbered }] },
    effects: state.phase === 'open' ? [{ type: 'transmit', text: numbered }] : [],
  };
}

function answer(state: LinkState, { token, isResumed, received, graceMs }: LinkAnswer): LinkStep {
  if (state.phase === 'open') {
    return state.mode === 'asked'
      ? { state: { ...state, mode: 'resumable', token, graceMs }, effects: [] }
      : { state, effects: [] };
  }
  if (!isResumed) return lose(state);
  const open: LinkState = { ...forget(state, received), phase: 'open', token, graceMs };
  const missing = open.kept.map(({ text }) => ({ type: 'transmit', text }) as const);
  return { state: open, effects: [{ type: 'resumed' }, ...missing] };
}

function frame(
  state: LinkState,
  { ordinal, bytes, isTerminal }: Extract<LinkInput, { readonly type: 'frame' }>,
): LinkStep {
  // The first frame would have been the answer: this server has never heard of it.
  if (state.mode === 'asked') {
    return { state: { ...state, mode: 'plain', kept: [] }, effects: [{ type: 'deliver' }] };
  }
  if (state.mode === 'plain' || ordinal === null) return { state, effects: [{ type: 'deliver' }] };
  if (ordinal <= state.received) return { state, effects: [] };
  if (ordinal > state.received + 1) return { state, effects: [{ type: 'dropSocket' }] };
  const unacknowledgedBytes = state.unacknowledgedBytes + bytes;
  const isDue = state.phase === 'open' && (isTerminal || unacknowledgedBytes >= acknowledgeBytes);
  return {
    state: { ...state, received: ordinal, unacknowledgedBytes: isDue ? 0 : unacknowledgedBytes },
    effects: isDue
      ? [{ type: 'deliver' }, { type: 'transmit', text: toAcknowledgement(ordinal) }]
      : [{ type: 'deliver' }],
  };
}

function forget(state: LinkState, ordinal: number): LinkState {
  const [first] = state.kept;
  if (first === undefined || first.ordinal > ordinal) return state;
  return { ...state, kept: state.kept.filter((frame) => frame.ordinal > ordinal) };
}

function lose(state: LinkState): LinkStep {
  return { state: { ...state, phase: 'lost', kept: [] }, effects: [{ type: 'lost' }] };
}

function toAcknowledgement(received: number): string {
  return JSON.stringify({ type: 'longwire:ack', received });
}
