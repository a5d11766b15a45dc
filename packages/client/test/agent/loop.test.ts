/** The loop under random histories: whatever happens, no call is lost, doubled or answered twice. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { InputItem, Response } from '@longwire/protocol';
import { startLoop, stepLoop, toContinuation } from '../../src/agent/loop.ts';
import type { LoopInput, LoopLimits, LoopState } from '../../src/agent/loop.ts';

const unlimited: LoopLimits = { maxSteps: Infinity, maxTokens: Infinity, compactAt: Infinity };
const question: InputItem = { type: 'message', role: 'user', content: 'Go.' };

interface Made {
  readonly calls?: readonly string[];
  readonly tokens?: number;
  readonly cached?: number;
  readonly status?: 'completed' | 'incomplete';
  readonly isCompaction?: boolean;
}

function respond(id: string, { calls = [], tokens = 10, cached = 0, status = 'completed', isCompaction }: Made = {}) {
  const output = isCompaction
    ? [{ type: 'compaction', id: 'cmp_1', encrypted_content: 'sealed' }]
    : calls.map((call_id) => ({ type: 'function_call', call_id, name: 'look', arguments: '{}', status: 'completed' }));
  const usage = {
    input_tokens: tokens - 1,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: 1,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: tokens,
  };
  const response = { id, status, output, usage } as unknown as Response;
  return { type: 'responded', responses: [response] } satisfies LoopInput;
}

/** The loop after all of these. */
function play(limits: LoopLimits, ...inputs: LoopInput[]): LoopState {
  return inputs.reduce(stepLoop, startLoop(limits, null, [question]));
}

const sent: LoopInput = { type: 'sent' };
const answered = (callId: string): LoopInput => ({ type: 'answered', callId, output: `output of ${callId}` });
const outputOf = (call_id: string) => ({ type: 'function_call_output', call_id, output: `output of ${call_id}` });

describe('a run', () => {
  test('goes from turn to calls to turn until nothing is called', () => {
    const called = play(unlimited, sent, respond('resp_1', { calls: ['a', 'b'] }));
    expect(called.next).toMatchObject({ type: 'calls', calls: [{ call_id: 'a' }, { call_id: 'b' }] });
    const turn = [answered('b'), answered('a')].reduce(stepLoop, called);
    // In the order of the calls, whichever was first.
    expect(turn.next).toMatchObject({ type: 'turn', input: [outputOf('a'), outputOf('b')] });
    const end = [sent, respond('resp_2')].reduce(stepLoop, turn);
    expect(end).toMatchObject({ next: { type: 'end', stop: 'done' }, steps: 2, usage: { total_tokens: 20 } });
    expect(toContinuation(end)).toEqual({ previous_response_id: 'resp_2', input: [] });
  });

  test('goes on with what was said when the model was done', () => {
    const more: InputItem = { type: 'message', role: 'user', content: 'And more.' };
    const state = play(unlimited, sent, { type: 'said', items: [more] }, respond('resp_1'));
    expect(state.next).toMatchObject({ type: 'turn', input: [more] });
  });

  test('stops at its budgets and leaves nothing unanswered', () => {
    const call = respond('resp_1', { calls: ['a'], tokens: 100, cached: 60 });
    for (const [limits, stop] of [
      [{ ...unlimited, maxSteps: 1 }, 'max_steps'],
      [{ ...unlimited, maxTokens: 40 }, 'max_tokens'],
    ] as const) {
      const state = play(limits, sent, call);
      expect(state.next).toEqual({ type: 'end', stop });
      expect(toContinuation(state)).toMatchObject({
        previous_response_id: 'resp_1',
        input: [{ type: 'function_call_output', call_id: 'a' }],
      });
    }
    expect(play({ ...unlimited, maxTokens: 41 }, sent, call).next.type).toBe('calls');
  });

  test('that is done is not stopped by a budget', () => {
    expect(play({ ...unlimited, maxSteps: 1 }, sent, respond('resp_1')).next).toEqual({ type: 'end', stop: 'done' });
  });

  test('compacts between turns, and lets the model go on from there', () => {
    const full = [sent, respond('resp_1', { calls: ['a'], tokens: 50 }), answered('a')];
    const state = play({ ...unlimited, compactAt: 50 }, ...full);
    expect(state.next).toMatchObject({ input: [outputOf('a'), { type: 'compaction_trigger' }], isCompaction: true });
    const compacted = [sent, respond('resp_2', { isCompaction: true, tokens: 60 })].reduce(stepLoop, state);
    expect(compacted).toMatchObject({ next: { type: 'turn', input: [], isCompaction: false }, steps: 1 });
    const refused = [sent, { type: 'uncompacted' } as const].reduce(stepLoop, state);
    expect(refused.next).toMatchObject({ input: [outputOf('a')], isCompaction: false });
    const again = [sent, respond('resp_3', { calls: ['b'], tokens: 99 }), answered('b')].reduce(stepLoop, refused);
    expect(again.next).toMatchObject({ input: [outputOf('b')], isCompaction: false });
  });

  test('that is cancelled before its turn is sent keeps its words', () => {
    const state = play(unlimited, { type: 'cancelled' });
    expect(state.next).toEqual({ type: 'end', stop: 'cancelled' });
    expect(toContinuation(state)).toEqual({ previous_response_id: null, input: [question] });
  });
});

/** What may happen, told by small numbers: the test makes of them what fits the state. */
const happenings = fc.array(
  fc.record({
    what: fc.constantFrom('go', 'go', 'go', 'go', 'say', 'cancel', 'refuse', 'stray'),
    calls: fc.nat(3),
    tokens: fc.integer({ min: 1, max: 100 }),
    order: fc.nat(10),
    status: fc.constantFrom('completed' as const, 'completed' as const, 'completed' as const, 'incomplete' as const),
  }),
  { maxLength: 60 },
);
const someLimits = fc.record({
  maxSteps: fc.constantFrom(0, 3, Infinity),
  maxTokens: fc.constantFrom(200, Infinity),
  compactAt: fc.constantFrom(50, Infinity),
});

test('whatever happens, each call is answered once, and each word is said once', () => {
  fc.assert(
    fc.property(someLimits, happenings, (limits, list) => {
      let state = startLoop(limits, null, [question]);
      /** All that the server was told, and the calls that it made. */
      const told: InputItem[] = [];
      const made: string[] = [];
      const words: InputItem[] = [question];
      for (const [index, { what, calls, tokens, order, status }] of list.entries()) {
        const { next } = state;
        const wasOver = next.type === 'end';
        if (what === 'say') {
          const item: InputItem = { type: 'message', role: 'user', content: `word ${index}` };
          words.push(item);
          state = stepLoop(state, { type: 'said', items: [item] });
        } else if (what === 'cancel') state = stepLoop(state, { type: 'cancelled' });
        else if (what === 'stray') {
          state = stepLoop(state, { type: 'answered', callId: 'never made', output: '' });
        } else if (next.type === 'calls') {
          const open = next.calls.filter(({ call_id }) => !state.outputs.has(call_id));
          const call = open[order % open.length];
          if (call) state = [answered(call.call_id), answered(call.call_id)].reduce(stepLoop, state);
        } else if (next.type === 'turn' && !next.isSent) state = stepLoop(state, sent);
        else if (next.type === 'turn' && next.isCompaction && what === 'refuse') {
          state = stepLoop(state, { type: 'uncompacted' });
        } else if (next.type === 'turn') {
          const ids = Array.from({ length: calls }, (_, at) => `call ${index}.${at}`);
          const response = next.isCompaction ? { isCompaction: true, tokens } : { calls: ids, tokens, status };
          told.push(...next.input.filter(({ type }) => type !== 'compaction_trigger'));
          if (!next.isCompaction) made.push(...ids);
          state = stepLoop(state, respond(`resp_${index}`, response));
        }
        expect(state.steps).toBeLessThanOrEqual(limits.maxSteps);
        expect(state.next).toBe(wasOver ? next : state.next);
      }
      const all = [...told, ...toContinuation(state).input];
      const outputs = all.flatMap((item) => (item.type === 'function_call_output' ? [item.call_id] : []));
      expect(outputs).toEqual(made);
      expect(all.filter(({ type }) => type === 'message')).toEqual(words);
    }),
    { numRuns: 500 },
  );
});
