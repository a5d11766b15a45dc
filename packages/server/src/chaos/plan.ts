/** Which fault happens where: written down frame by frame, or drawn by a seed. */
import { toFault } from './fault.ts';
import type { Fault, FaultWord, Place } from './fault.ts';

/** One fault at one frame. */
export interface PlannedFault {
  readonly fault: Fault;
  readonly at: Place;
}

/** One upgrade that is answered with an HTTP error. */
export interface PlannedRefusal {
  readonly status: number;
  readonly connection: number;
}

/** Faults that come by chance. */
export interface RandomFaults {
  readonly seed: number;
  /** Of each frame, 0 to 1. */
  readonly probability: number;
  readonly kinds: readonly FaultWord[];
  /** After so many of them, everything passes. */
  readonly times: number;
}

/** What is to go wrong. */
export interface Plan {
  readonly faults: readonly PlannedFault[];
  readonly refusals: readonly PlannedRefusal[];
  readonly random: RandomFaults | null;
}

/** Answers, frame by frame, what happens. */
export interface Fate {
  /** The HTTP status with which this upgrade is refused; null lets it pass. */
  refusalOf(connection: number): number | null;
  faultAt(place: Place): Fault | null;
}

/** The same plan and the same seed give a frame the same fate, whatever frames of other connections and directions came before it. */
export function createFate({ faults, refusals, random }: Plan): Fate {
  const planned = new Map(faults.map(({ fault, at }) => [keyOf(at), fault]));
  let left = random?.times ?? 0;
  return {
    refusalOf: (connection) => refusals.find((refusal) => refusal.connection === connection)?.status ?? null,
    faultAt(place) {
      const fault = planned.get(keyOf(place));
      if (fault !== undefined) return fault;
      if (random === null || left === 0) return null;
      const drawn = drawAt(place, random);
      if (drawn !== null) left -= 1;
      return drawn;
    },
  };
}

function keyOf({ connection, direction, frame }: Place): string {
  return `${connection}.${direction}.${frame}`;
}

/** Drawn from the place and not from a series: frames of two directions race each other. */
function drawAt(place: Place, { seed, probability, kinds }: RandomFaults): Fault | null {
  const key = keyOf(place);
  if (chance(`${seed} ${key}`) >= probability) return null;
  const word = kinds[Math.floor(chance(`${seed} ${key} kind`) * kinds.length)];
  return word === undefined ? null : toFault(word, null);
}

/** A number from 0 up to 1 for a text: FNV-1a, and the last step of MurmurHash3 to spread neighbours. */
function chance(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
