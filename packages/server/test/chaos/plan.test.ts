import { describe, expect, it } from 'vitest';
import { formatFault } from '../../src/chaos/fault.ts';
import type { Fault, Place } from '../../src/chaos/fault.ts';
import { createFate } from '../../src/chaos/plan.ts';
import type { Plan } from '../../src/chaos/plan.ts';

const places: Place[] = [1, 2].flatMap((connection) =>
  (['up', 'down'] as const).flatMap((direction) =>
    Array.from({ length: 200 }, (_, index) => ({ connection, direction, frame: index + 1 })),
  ),
);

function faultsOf(plan: Partial<Plan>, at: readonly Place[] = places): string[] {
  const fate = createFate({ faults: [], refusals: [], random: null, ...plan });
  const faults = at.map((place): [Fault | null, Place] => [fate.faultAt(place), place]);
  return faults.flatMap(([fault, place]) => (fault === null ? [] : [formatFault(fault, place)]));
}

describe('a fate', () => {
  it('is what was planned, and nothing else', () => {
    const at = { connection: 2, direction: 'up', frame: 3 } as const;
    expect(faultsOf({ faults: [{ fault: { kind: 'delay', ms: 5 }, at }] })).toEqual(['delay:5@2.up.3']);
    const fate = createFate({ faults: [], refusals: [{ status: 503, connection: 2 }], random: null });
    expect([1, 2, 3].map((connection) => fate.refusalOf(connection))).toEqual([null, 503, null]);
  });

  it('drawn by a seed is the same again, in whatever order the frames come', () => {
    const random = { seed: 7, probability: 0.1, kinds: ['cut', 'stall'], times: Infinity } as const;
    const drawn = faultsOf({ random });
    expect(faultsOf({ random }, places.toReversed()).toReversed()).toEqual(drawn);
    expect(faultsOf({ random: { ...random, seed: 8 } })).not.toEqual(drawn);
    // 80 of 800 are expected, and both kinds: the seed is fixed, so this is no chance.
    expect(drawn.length).toBeGreaterThan(40);
    expect(drawn.length).toBeLessThan(120);
    expect(new Set(drawn.map((word) => word.split('@')[0]))).toEqual(new Set(['cut', 'stall']));
    expect(faultsOf({ random: { ...random, times: 3 } })).toEqual(drawn.slice(0, 3));
  });
});
