import { describe, expect, it } from 'vitest';
import { Circuit } from '../../../src/engine/routing/circuit.ts';

function createCircuit() {
  const clock = { nowMs: 0 };
  const circuit = new Circuit({ failuresToOpen: 2, cooldownMs: 100, maxCooldownMs: 300 }, () => clock.nowMs);
  const fail = () => {
    circuit.begin();
    circuit.fail();
  };
  return { circuit, clock, fail };
}

describe('a circuit', () => {
  it('opens after failures in a row, not after failures with an answer between them', () => {
    const { circuit, fail } = createCircuit();
    fail();
    circuit.succeed();
    fail();
    expect(circuit.allows).toBe(true);
    fail();
    expect(circuit.allows).toBe(false);
  });

  it('lets one turn try when its time is over, and closes when that is answered', () => {
    const { circuit, clock, fail } = createCircuit();
    fail();
    fail();
    clock.nowMs = 99;
    expect(circuit.allows).toBe(false);
    clock.nowMs = 100;
    expect([circuit.allows, circuit.isClosed]).toEqual([true, false]);
    circuit.begin();
    expect(circuit.allows).toBe(false);
    circuit.succeed();
    expect([circuit.allows, circuit.isClosed]).toEqual([true, true]);
  });

  it('waits twice as long after every trial that fails, up to its limit', () => {
    const { circuit, clock, fail } = createCircuit();
    fail();
    fail();
    const waits: number[] = [];
    for (let trial = 0; trial < 4; trial++) {
      const openedAtMs = clock.nowMs;
      while (!circuit.allows) clock.nowMs += 50;
      waits.push(clock.nowMs - openedAtMs);
      fail();
    }
    expect(waits).toEqual([100, 200, 300, 300]);
  });

  it('still owes a trial that was given up', () => {
    const { circuit, clock, fail } = createCircuit();
    fail();
    fail();
    clock.nowMs = 100;
    circuit.begin();
    circuit.abandon();
    expect(circuit.allows).toBe(true);
    expect(circuit.isClosed).toBe(false);
  });

  it('is not opened again by turns that were sent before it opened', () => {
    const { circuit, clock, fail } = createCircuit();
    fail();
    fail();
    clock.nowMs = 50;
    circuit.fail();
    clock.nowMs = 100;
    expect(circuit.allows).toBe(true);
  });
});
