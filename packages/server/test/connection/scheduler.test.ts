import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Scheduler } from '../../src/connection/scheduler.ts';

type Command = { kind: 'enqueue'; lane: string; places: 0 | 1 } | { kind: 'finish'; pick: number };

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant('enqueue' as const),
    lane: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    places: fc.constantFrom(0 as const, 1 as const, 1 as const),
  }),
  fc.record({ kind: fc.constant('finish' as const), pick: fc.nat() }),
);

describe('the scheduler', () => {
  it('keeps lanes in order, never runs two jobs of a lane, and never leaves a free place unused', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(command, { maxLength: 80 }), (maxInFlight, commands) => {
        const scheduler = new Scheduler<number>(maxInFlight, (job) => places[job] ?? 1);
        const places: (0 | 1)[] = [];
        const running = new Map<string, number>();
        const waiting = new Map<string, number[]>();
        const start = (starts: readonly { lane: string; job: number }[]) => {
          for (const { lane, job } of starts) {
            expect(running.has(lane)).toBe(false);
            expect(waiting.get(lane)?.shift()).toBe(job);
            running.set(lane, job);
          }
        };
        for (const each of commands) {
          if (each.kind === 'enqueue') {
            const job = places.push(each.places) - 1;
            waiting.set(each.lane, [...(waiting.get(each.lane) ?? []), job]);
            start(scheduler.enqueue(each.lane, job));
          } else {
            const lanes = [...running.keys()];
            const lane = lanes[each.pick % Math.max(1, lanes.length)];
            if (lane === undefined) continue;
            running.delete(lane);
            start(scheduler.finish(lane));
          }
          const taken = [...running.values()].reduce((sum, job) => sum + (places[job] ?? 0), 0);
          expect(taken).toBeLessThanOrEqual(maxInFlight);
          expect(scheduler.running).toBe(running.size);
          expect(scheduler.waiting).toBe([...waiting.values()].flat().length);
          const heads = [...waiting].flatMap(([lane, jobs]) => (running.has(lane) ? [] : jobs.slice(0, 1)));
          expect(heads.some((job) => taken + (places[job] ?? 0) <= maxInFlight)).toBe(false);
        }
      }),
    );
  });

  it('gives free places to lanes in the order in which they became ready', () => {
    const scheduler = new Scheduler<string>(1);
    scheduler.enqueue('a', 'a1');
    scheduler.enqueue('a', 'a2');
    scheduler.enqueue('b', 'b1');
    scheduler.enqueue('c', 'c1');
    const order = [];
    for (let lane = 'a'; lane !== '';) {
      const [start] = scheduler.finish(lane);
      order.push(start?.job);
      lane = start?.lane ?? '';
    }
    expect(order).toEqual(['b1', 'c1', 'a2', undefined]);
  });
});
