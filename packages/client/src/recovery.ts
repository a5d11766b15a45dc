/**
 * What becomes of one turn when things go wrong, as a pure state machine (dossier D.4, K). A request is sent again only if it
 * never left, if it was refused, or if the server proves that the same request does not run twice.
 */

/** What the turn continues, as far as it matters here. */
export interface Parent {
  /** The carrier whose server side remembers it; null for none. */
  readonly carrier: number | null;
  readonly isStored: boolean;
}

/** `delta`: new items and the parent's id. `replay`: the whole chain and `previous_response_id: null`. */
export type RequestForm = 'delta' | 'replay';

export interface RecoveryState {
  /** `acquiring`: wants a carrier. `sent`: nothing came since the request was sent. */
  readonly phase: 'acquiring' | 'sent' | 'running' | 'pausing' | 'ended';
  /** Null where the turn begins a chain. */
  readonly parent: Parent | null;
  readonly form: RequestForm;
  /** The same request goes out again, byte for byte: the server may have it already. */
  readonly isResent: boolean;
  /** Whether any event was handed on. */
  readonly hasEvents: boolean;
  /** False once it turned out that we do not remember the whole chain. */
  readonly hasHistory: boolean;
  /** Whether the server has refused what only a Longwire knows: the request goes without. */
  readonly isPlain: boolean;
  /** Whether the server said that it does not know the parent. */
  readonly isForgotten: boolean;
  /** Attempts beyond the first. */
  readonly retries: number;
  readonly maxRetries: number;
}

/** What the server refused a request with. */
export interface RefusedRequest {
  readonly code: string | null;
  readonly status: number | null;
  readonly param: string | null;
  readonly message: string;
  readonly retryAfterMs: number | null;
}

export type RecoveryInput =
  /** There is a carrier. */
  | { readonly type: 'carrier'; readonly carrier: number }
  /** An event of the response came. */
  | { readonly type: 'progress' }
  /** Its terminal event came. */
  | { readonly type: 'ended' }
  /**
   * An `error` event in place of a response, or a response that failed. `isExtended`: the request held what only a Longwire knows,
   * and the server has not shown that it is one.
   */
  | { readonly type: 'refused'; readonly error: RefusedRequest; readonly isExtended: boolean }
  /** What the server kept is gone with the carrier. `isIdempotent`: the request carried a key that the server honours. */
  | { readonly type: 'lost'; readonly hasLeft: boolean; readonly isIdempotent: boolean }
  /** The server closed without reading the request: it was too large for a socket. */
  | { readonly type: 'outgrown' }
  /** There is nothing to replay: we do not remember the whole chain. */
  | { readonly type: 'noHistory' }
  /** The pause is over. */
  | { readonly type: 'resume' };

export type RecoveryEffect =
  /** Find a carrier; `isOther`: not the one that refused. */
  | { readonly type: 'acquire'; readonly isOther: boolean }
  | { readonly type: 'send'; readonly form: RequestForm; readonly isResent: boolean }
  /** Wait for as long as the server asks (null: the usual back-off for this many retries), then `resume`. */
  | { readonly type: 'pause'; readonly retryAfterMs: number | null; readonly retry: number }
  /** The turn ends with the error or loss that this input was. */
  | { readonly type: 'fail'; readonly why: 'refused' | 'lost' | 'history' };

export interface RecoveryStep {
  readonly state: RecoveryState;
  readonly effects: readonly RecoveryEffect[];
}

/** Longer than this nobody waits without being asked. */
const longestRetryAfterMs = 60_000;
/** Waiting does not help. */
const spent: ReadonlySet<string> = new Set([
  'insufficient_quota',
  'credit_balance_exhausted',
  'usage_limit_reached',
  'usage_not_included',
]);
/** This connection takes nothing more, another one does. */
const elsewhere: ReadonlySet<string> = new Set([
  'websocket_connection_limit_reached',
  'websocket_stream_limit_reached',
  'server_is_draining',
]);

/** A turn that is about to be sent. */
export function startRecovery(parent: Parent | null, maxRetries: number): RecoveryStep {
  const state: RecoveryState = {
    phase: 'acquiring',
    parent,
    form: 'delta',
    isResent: false,
    hasEvents: false,
    hasHistory: true,
    isPlain: false,
    isForgotten: false,
    retries: 0,
    maxRetries,
  };
  return { state, effects: [{ type: 'acquire', isOther: false }] };
}

/** What follows from an input. */
export function stepRecovery(state: RecoveryState, input: RecoveryInput): RecoveryStep {
  switch (input.type) {
    case 'carrier':
      return state.phase === 'acquiring' ? sendOn(state, input.carrier) : stay(state);
    case 'progress':
      return isUnderWay(state) ? stay({ ...state, phase: 'running', hasEvents: true }) : stay(state);
    case 'ended':
      return isUnderWay(state) ? stay({ ...state, phase: 'ended' }) : stay(state);
    case 'refused':
      return isUnderWay(state) ? refused(state, input) : stay(state);
    case 'lost':
      return isUnderWay(state) ? lost(state, input) : stay(state);
    case 'outgrown':
      if (!isUnderWay(state)) return stay(state);
      return state.hasEvents ? end(state, 'lost') : acquire(state, true);
    case 'noHistory':
      return state.phase === 'sent' && state.form === 'replay' ? goWithoutHistory(state) : stay(state);
    case 'resume':
      return state.phase === 'pausing' ? acquire(state, false) : stay(state);
  }
}

function isUnderWay({ phase }: RecoveryState): boolean {
  return phase === 'sent' || phase === 'running';
}

function stay(state: RecoveryState): RecoveryStep {
  return { state, effects: [] };
}

function end(state: RecoveryState, why: 'refused' | 'lost' | 'history'): RecoveryStep {
  return { state: { ...state, phase: 'ended' }, effects: [{ type: 'fail', why }] };
}

function acquire(state: RecoveryState, isOther: boolean): RecoveryStep {
  return { state: { ...state, phase: 'acquiring' }, effects: [{ type: 'acquire', isOther }] };
}

function pause(state: RecoveryState, retryAfterMs: number | null): RecoveryStep {
  const { retries } = state;
  return { state: { ...state, phase: 'pausing' }, effects: [{ type: 'pause', retryAfterMs, retry: retries - 1 }] };
}

function sendOn(state: RecoveryState, carrier: number): RecoveryStep {
  const { parent, isResent } = state;
  const isKnown = parent === null || parent.isStored || parent.carrier === carrier;
  if (isResent || (isKnown && state.form === 'delta')) return send(state, state.form);
  return send(state, state.hasHistory ? 'replay' : 'delta');
}

/** The id is all there is then: the server may still know it. */
function goWithoutHistory(state: RecoveryState): RecoveryStep {
  return state.isForgotten ? end(state, 'history') : send({ ...state, hasHistory: false }, 'delta');
}

function send(state: RecoveryState, form: RequestForm): RecoveryStep {
  const { isResent } = state;
  return { state: { ...state, phase: 'sent', form }, effects: [{ type: 'send', form, isResent }] };
}

function refused(
  state: RecoveryState,
  { error, isExtended }: Extract<RecoveryInput, { readonly type: 'refused' }>,
): RecoveryStep {
  const { parent, form, hasEvents, retries, maxRetries } = state;
  // A turn of which events were handed on is never begun again: whoever has them may have acted on them.
  if (hasEvents) return end(state, state.phase === 'sent' ? 'lost' : 'refused');
  if (error.code === 'previous_response_not_found' && parent !== null && form === 'delta') {
    if (!state.hasHistory) return end(state, 'history');
    return send({ ...state, isResent: false, isForgotten: true }, 'replay');
  }
  // A refused continuation is forgotten by the server together with its parent (dossier D.1); a stored one is not.
  const begun = { ...state, isResent: false, parent: parent === null ? null : { ...parent, carrier: null } };
  if (isExtended && !state.isPlain && isExtensionRefused(error)) return acquire({ ...begun, isPlain: true }, true);
  if (retries >= maxRetries) return end(state, 'refused');
  const next: RecoveryState = { ...begun, retries: retries + 1 };
  if (isLaneRefused(error) || (error.code !== null && elsewhere.has(error.code))) return acquire(next, true);
  if (!isTransient(error)) return end(state, 'refused');
  return pause(next, error.retryAfterMs);
}

function lost(
  state: RecoveryState,
  { hasLeft, isIdempotent }: { readonly hasLeft: boolean; readonly isIdempotent: boolean },
): RecoveryStep {
  const { hasEvents, retries, maxRetries, isResent } = state;
  if (retries >= maxRetries || (hasLeft && !isIdempotent)) return end(state, 'lost');
  // Sent again or not, what was sent first may still be there.
  const next = { ...state, retries: retries + 1, isResent: isResent || hasLeft || hasEvents };
  return retries === 0 ? acquire(next, false) : pause(next, null);
}

/** What the server says of a message that is larger than what it reads from a socket; over HTTP it may pass. */
export const tooLargeCode = 'websocket_message_too_large';

/** Whether the server does not know `stream_id`, or knows too many already. */
export function isLaneRefused({ code, param }: RefusedRequest): boolean {
  return code === 'websocket_stream_limit_reached' || param === 'stream_id';
}

/** Whether a server that is no Longwire may mean one of our fields: `longwire_seq`, or the key in `client_metadata`. */
export function isExtensionRefused({ status, param, message }: RefusedRequest): boolean {
  return (status === 400 || status === 422) && /longwire_|client_metadata/.test(`${param} ${message}`);
}

function isTransient({ code, status, retryAfterMs }: RefusedRequest): boolean {
  if (code !== null && spent.has(code)) return false;
  if (retryAfterMs !== null && retryAfterMs > longestRetryAfterMs) return false;
  // What we send is JSON: it was broken on its way.
  if (code === 'invalid_json') return true;
  if (code === 'rate_limit_exceeded' || code === 'server_is_overloaded' || code === 'slow_down') return true;
  if (status === 500) return code === null || code === 'server_error';
  return status === 429 || status === 502 || status === 503;
}
