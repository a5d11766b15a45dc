import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { startRecovery, stepRecovery } from '../src/recovery.ts';
import type { Parent, RecoveryEffect, RecoveryInput, RecoveryState, RefusedRequest } from '../src/recovery.ts';

const refusal = (fields: Partial<RefusedRequest>, isExtended = false): RecoveryInput => ({
  type: 'refused',
  error: { code: null, status: null, param: null, message: '', retryAfterMs: null, ...fields },
  isExtended,
});
const carrier = (id: number): RecoveryInput => ({ type: 'carrier', carrier: id });
const lost = (hasLeft: boolean, isIdempotent: boolean): RecoveryInput => ({ type: 'lost', hasLeft, isIdempotent });
const remembered: Parent = { carrier: 1, isStored: false };
const notFound = refusal({ code: 'previous_response_not_found', status: 400, param: 'previous_response_id' });

const numbered = { status: 400, param: 'longwire_seq' };

/** The effects of the last input. */
function run(parent: Parent | null, ...inputs: readonly RecoveryInput[]): readonly RecoveryEffect[] {
  let { state, effects } = startRecovery(parent, 5);
  for (const input of inputs) ({ state, effects } = stepRecovery(state, input));
  return effects;
}

const sent = (form: 'delta' | 'replay', isResent = false) => [{ type: 'send', form, isResent }];
const failed = (why: string) => [{ type: 'fail', why }];

describe('what is sent', () => {
  test('is new items where the server remembers, or has stored, what they follow', () => {
    expect(run(remembered, carrier(1))).toEqual(sent('delta'));
    expect(run({ carrier: null, isStored: true }, carrier(2))).toEqual(sent('delta'));
    expect(run(null, carrier(2))).toEqual(sent('delta'));
  });

  test('is everything where it does not, and where it says so, once', () => {
    expect(run(remembered, carrier(2))).toEqual(sent('replay'));
    expect(run(remembered, carrier(1), notFound)).toEqual(sent('replay'));
    expect(run(remembered, carrier(1), notFound, notFound)).toEqual(failed('refused'));
  });

  test('is the id alone where we do not remember everything; the server may', () => {
    expect(run(remembered, carrier(2), { type: 'noHistory' })).toEqual(sent('delta'));
    expect(run(remembered, carrier(2), { type: 'noHistory' }, notFound)).toEqual(failed('history'));
    expect(run(remembered, carrier(1), notFound, { type: 'noHistory' })).toEqual(failed('history'));
  });
});

describe('a connection that is lost', () => {
  const again = [{ type: 'acquire', isOther: false }];

  test('before the request has left costs nothing', () => {
    expect(run(remembered, carrier(1), lost(false, false))).toEqual(again);
    expect(run(remembered, carrier(1), lost(false, false), carrier(2))).toEqual(sent('replay'));
  });

  test('after that ends the turn', () => {
    expect(run(remembered, carrier(1), lost(true, false))).toEqual(failed('lost'));
    expect(run(remembered, carrier(1), { type: 'progress' }, lost(true, false))).toEqual(failed('lost'));
  });

  test('unless the server knows the same request again: the very same one is sent', () => {
    expect(run(remembered, carrier(1), lost(true, true), carrier(2))).toEqual(sent('delta', true));
    const halfway: RecoveryInput[] = [carrier(1), { type: 'progress' }, lost(true, true), carrier(2)];
    expect(run(remembered, ...halfway)).toEqual(sent('delta', true));
    // It never had it, so it never ran: now it may be everything.
    expect(run(remembered, carrier(1), lost(true, true), carrier(2), notFound)).toEqual(sent('replay'));
    // It has forgotten it, and we have handed on events of it.
    expect(run(remembered, ...halfway, notFound)).toEqual(failed('lost'));
  });

  test('again and again is waited for, and not for ever', () => {
    const rounds = (count: number) =>
      Array.from({ length: count }, () => [lost(false, false), { type: 'resume' } as const, carrier(1)]);
    expect(run(remembered, carrier(1), ...rounds(1).flat(), lost(false, false))).toEqual([
      { type: 'pause', retryAfterMs: null, retry: 1 },
    ]);
    expect(run(remembered, carrier(1), ...rounds(5).flat(), lost(false, false))).toEqual(failed('lost'));
  });
});

describe('a refusal', () => {
  test.each([
    ['websocket_connection_limit_reached', 400],
    ['websocket_stream_limit_reached', 400],
    ['server_is_draining', 503],
  ])('%s goes elsewhere', (code, status) => {
    expect(run(remembered, carrier(1), refusal({ code, status }))).toEqual([{ type: 'acquire', isOther: true }]);
  });

  test('that will pass is waited for as long as it says, then everything is sent: the parent is forgotten', () => {
    const busy = refusal({ code: 'rate_limit_exceeded', status: 429, retryAfterMs: 1500 });
    expect(run(remembered, carrier(1), busy)).toEqual([{ type: 'pause', retryAfterMs: 1500, retry: 0 }]);
    expect(run(remembered, carrier(1), busy, { type: 'resume' }, carrier(1))).toEqual(sent('replay'));
    expect(run({ carrier: null, isStored: true }, carrier(1), busy, { type: 'resume' }, carrier(1))).toEqual(
      sent('delta'),
    );
  });

  test.each([
    { code: 'insufficient_quota', status: 429 },
    { code: 'rate_limit_exceeded', status: 429, retryAfterMs: 3_600_000 },
    { code: null, status: 400 },
    { code: 'model_not_found', status: 404 },
    { code: 'context_length_exceeded', status: 400 },
  ])('%o ends the turn', (error) => {
    expect(run(remembered, carrier(1), refusal(error))).toEqual(failed('refused'));
  });

  test('because of what only a Longwire knows makes it go without, once', () => {
    const other = [{ type: 'acquire', isOther: true }];
    expect(run(null, carrier(1), refusal(numbered, true))).toEqual(other);
    expect(run(null, carrier(1), refusal({ status: 422, message: 'client_metadata: not permitted' }, true))).toEqual(
      other,
    );
    expect(run(null, carrier(1), refusal(numbered, true), carrier(1))).toEqual(sent('delta'));
    expect(run(null, carrier(1), refusal(numbered, true), carrier(1), refusal(numbered, true))).toEqual(
      failed('refused'),
    );
  });

  test('that names such a field ends a turn that went without, and so does one of another kind', () => {
    expect(run(null, carrier(1), refusal(numbered))).toEqual(failed('refused'));
    expect(run(null, carrier(1), refusal({ status: 400, param: 'model' }, true))).toEqual(failed('refused'));
  });

  test('after events were handed on always ends it', () => {
    const overloaded = refusal({ code: 'server_is_overloaded', status: 503 });
    expect(run(remembered, carrier(1), { type: 'progress' }, overloaded)).toEqual(failed('refused'));
  });
});

describe('whatever comes', () => {
  const inputs: readonly RecoveryInput[] = [
    carrier(1),
    carrier(2),
    { type: 'progress' },
    { type: 'ended' },
    { type: 'resume' },
    { type: 'noHistory' },
    notFound,
    refusal({ code: 'websocket_connection_limit_reached' }),
    refusal({ code: 'rate_limit_exceeded', status: 429 }),
    refusal({ status: 400 }),
    refusal(numbered, true),
    lost(true, true),
    lost(true, false),
    lost(false, false),
  ];
  const parents = [null, remembered, { carrier: null, isStored: true }];

  test('a request goes out twice only if it was refused, never left, or is the same to a server that can tell', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...parents),
        fc.array(fc.constantFrom(...inputs), { maxLength: 60 }),
        (parent, list) => {
          let { state }: { state: RecoveryState } = startRecovery(parent, 5);
          let mayRun = false;
          let [ends, sends, doubled, late] = [0, 0, 0, 0];
          for (const input of list) {
            const before = state.phase;
            const step = stepRecovery(state, input);
            state = step.state;
            const isHeard = before === 'sent' || before === 'running';
            if (input.type === 'refused' && isHeard && !state.hasEvents) mayRun = false;
            if (input.type === 'noHistory') mayRun = false;
            if (input.type === 'lost' && isHeard && !input.hasLeft && !state.isResent) mayRun = false;
            for (const effect of step.effects) {
              const isSend = effect.type === 'send';
              if (isSend && mayRun && !effect.isResent) doubled += 1;
              if (before === 'ended') late += 1;
              mayRun ||= isSend;
              sends += Number(isSend);
              ends += Number(effect.type === 'fail');
            }
          }
          expect({ doubled, late }).toEqual({ doubled: 0, late: 0 });
          expect(ends).toBeLessThanOrEqual(1);
          // Each retry is one more, and so is going plain; a replay one more each, and so is going without history.
          expect(sends).toBeLessThanOrEqual(3 * (5 + 2));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
