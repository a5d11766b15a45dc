/** The steering machine against what a client may rely on: every steer that was accepted has exactly one fate, in order. */
import type { SteerRequiredInput } from '@longwire/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  openSteering,
  stepSteering,
  type Steering,
  type SteeringEffect,
  type SteeringInput,
} from '../../src/turn/steering.ts';

const maxQueued = 3;
const required: SteerRequiredInput[] = [{ type: 'function_call_output', call_id: 'call_1', name: 'look' }];

/** Inputs of one response, in any order: only the steers' ids are filled in later. */
const inputs = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.boolean().map((answered): SteeringInput => ({
        type: 'submit',
        submission: { id: '', input: 'x', items: [] },
        answered,
      })),
    },
    {
      weight: 2,
      arbitrary: fc
        .record({
          status: fc.constantFrom('finished' as const, 'failed' as const, 'cancelled' as const),
          required: fc.constantFrom([], required),
          answered: fc.boolean(),
        })
        .map((fields): SteeringInput => ({ type: 'ended', ...fields })),
    },
    { weight: 1, arbitrary: fc.constantFrom<SteeringInput>({ type: 'resumed' }, { type: 'abandoned' }) },
  ),
  { maxLength: 20 },
);

/** Runs the inputs, then an end and the lane going on, as every response sees in the end. */
function play(given: readonly SteeringInput[]) {
  const steps: { input: SteeringInput; before: Steering; effects: readonly SteeringEffect[] }[] = [];
  let state = openSteering;
  const last: SteeringInput[] = [
    { type: 'ended', status: 'finished', required: [], answered: false },
    { type: 'abandoned' },
  ];
  for (const [index, each] of [...given, ...last].entries()) {
    const input = each.type === 'submit' ? { ...each, submission: { ...each.submission, id: `steer_${index}` } } : each;
    const before = state;
    const step = stepSteering(before, input, maxQueued);
    steps.push({ input, before, effects: step.effects });
    state = step.state;
  }
  return { steps, state, effects: steps.flatMap(({ effects }) => effects) };
}

function idsOf(effects: readonly SteeringEffect[], type: SteeringEffect['type']): string[] {
  return effects.flatMap((effect) => {
    if (effect.type !== type || effect.type === 'interrupt') return [];
    return 'submissions' in effect ? effect.submissions.map(({ id }) => id) : [effect.submission.id];
  });
}

/** Steers that have met their end: taken into a successor or into the client's request, or given back. */
function fatesOf(effects: readonly SteeringEffect[]): string[] {
  const failed = effects.filter((effect) => effect.type === 'fail' && effect.accepted);
  return [...idsOf(effects, 'succeed'), ...idsOf(effects, 'prepend'), ...idsOf(failed, 'fail')];
}

describe('the steering of one response', () => {
  it('gives every accepted steer one fate, and keeps their order', () => {
    fc.assert(
      fc.property(inputs, (given) => {
        const { effects, state } = play(given);
        const accepted = idsOf(effects, 'accept');
        expect(fatesOf(effects)).toEqual(accepted);
        expect(state.phase).toBe('closed');
      }),
      { numRuns: 2000 },
    );
  });

  it('answers every steer at once: accepted, or given back and never heard of again', () => {
    fc.assert(
      fc.property(inputs, (given) => {
        const { steps, effects } = play(given);
        for (const { input, effects: answers } of steps) {
          if (input.type !== 'submit') continue;
          const { id } = input.submission;
          const refused = answers.filter((effect) => effect.type === 'fail' && !effect.accepted);
          expect([...idsOf(answers, 'accept'), ...idsOf(refused, 'fail')]).toEqual([id]);
          expect(fatesOf(effects).includes(id)).toBe(refused.length === 0);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('holds no more than the limit, interrupts only what runs, and asks for input only what waits', () => {
    fc.assert(
      fc.property(inputs, (given) => {
        for (const { input, before, effects } of play(given).steps) {
          const queued = before.phase === 'closed' ? 0 : before.queued.length;
          expect(queued).toBeLessThanOrEqual(maxQueued);
          const isAnswered = 'answered' in input && input.answered;
          const legal: Record<SteeringEffect['type'], boolean> = {
            accept: input.type === 'submit' && before.phase !== 'closed',
            interrupt: input.type === 'submit' && before.phase === 'open',
            pending: !isAnswered && (input.type === 'ended' || before.phase === 'waiting'),
            fail: true,
            succeed: input.type === 'ended' && before.phase === 'open',
            prepend: input.type === 'resumed' && before.phase === 'waiting',
          };
          expect(effects.map(({ type }) => type).filter((type) => !legal[type])).toEqual([]);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('tells of a steer that waits once', () => {
    fc.assert(
      fc.property(inputs, (given) => {
        const pending = idsOf(play(given).effects, 'pending');
        expect(new Set(pending).size).toBe(pending.length);
      }),
      { numRuns: 2000 },
    );
  });
});
