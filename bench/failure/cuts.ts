/** Rollouts on a line that breaks again and again (G15): what of their events does not arrive, or arrives twice. */
import { connect, createNetworkMemory } from '@longwire/client';
import { faultWords } from '../../packages/server/src/chaos/fault.ts';
import { createFate } from '../../packages/server/src/chaos/plan.ts';
import { startChaosProxy } from '../../packages/server/src/chaos/proxy.ts';
import type { Rollout } from '../../packages/server/src/workloads/coding.ts';

/** All that ends a connection, and what doubles a frame on its way: the client is not to wait for what is only late. */
const kinds = faultWords.filter((word) => word !== 'stall' && word !== 'delay');
/** Of each frame. */
const probability = 0.03;

/** What a client was given of each turn, by `sequence_number`. */
export type SeenEvents = readonly (readonly number[])[];

/** A rollout as its client saw it. */
export interface BrokenRollout {
  readonly seen: SeenEvents;
  /** What went wrong on the line. */
  readonly faults: number;
}

/** Events that are missing, and events that came again. */
export interface EventLosses {
  readonly lost: number;
  readonly doubled: number;
}

/** Plays the rollout; `seed` draws the faults, null leaves the line whole. A turn that fails ends it. */
export async function playOnBrokenLine(url: string, rollout: Rollout, seed: number | null): Promise<BrokenRollout> {
  const random = seed === null ? null : { seed, probability, kinds, times: Infinity };
  const fate = createFate({ faults: [], refusals: [], random });
  await using proxy = await startChaosProxy({ target: new URL(url), judge: (place) => fate.faultAt(place) });
  const connection = await connect({
    baseUrl: proxy.url,
    retry: { baseMs: 1, maxMs: 10 },
    networkMemory: createNetworkMemory(),
  });
  const seen: number[][] = [];
  try {
    const lane = connection.lane();
    for (const { input } of rollout.turns) {
      const numbers: number[] = [];
      seen.push(numbers);
      const turn = lane.create({ model: rollout.name, store: false, input: [...input] });
      for await (const { sequence_number: number } of turn) if (number !== undefined) numbers.push(number);
    }
  } catch {
    // What it has not seen by now counts as lost.
  } finally {
    connection.close();
  }
  return { seen, faults: proxy.connections.reduce((sum, { faults }) => sum + faults.length, 0) };
}

/** Compares with the same rollout on a line that did not break. */
export function countLosses(seen: SeenEvents, whole: SeenEvents): EventLosses {
  const losses = whole.map((expected, turn) => {
    const got = seen[turn] ?? [];
    const distinct = new Set(got);
    return { lost: expected.filter((number) => !distinct.has(number)).length, doubled: got.length - distinct.size };
  });
  return {
    lost: losses.reduce((sum, { lost }) => sum + lost, 0),
    doubled: losses.reduce((sum, { doubled }) => sum + doubled, 0),
  };
}
