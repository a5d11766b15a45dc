/** The rule of the gate: what a turn costs does not grow unless somebody says why. */
import type { HeldCosts } from './held.ts';

/** What `bench/baseline.json` holds. */
export interface Baseline {
  /** Why the figures are what they are; a higher figure needs a new one. */
  readonly reason: string;
  /** The Node that they were counted on: another one makes other code. */
  readonly node: string;
  readonly arch: string;
  readonly costs: Partial<HeldCosts>;
}

/** How much a figure may grow before it counts. */
const tolerance = 0.03;

/**
 * What has grown beyond the tolerance, in sentences. Figures that either side lacks are passed over. Instructions count as grown only if they
 * have also grown beside the bare turn: another processor or C library moves both.
 */
export function compareCosts(baseline: Partial<HeldCosts>, measured: Partial<HeldCosts>): string[] {
  const floor = (measured.bareTurnInstructions ?? 1) / (baseline.bareTurnInstructions ?? 1);
  return names(baseline).flatMap((name) => {
    const before = baseline[name];
    const now = measured[name];
    // The floor belongs to Node and ws: it is kept for the ratio and not held.
    if (name === 'bareTurnInstructions' || before === undefined || now === undefined) return [];
    const allowed = before * (1 + tolerance) * (name.endsWith('Instructions') ? Math.max(1, floor) : 1);
    if (!(now > allowed)) return [];
    const percent = ((now / before - 1) * 100).toFixed(1);
    return [
      `${name} grew by ${percent} %: ${Math.round(now * 100) / 100}, and the baseline is ${Math.round(before * 100) / 100}. ` +
        'Make it cheaper, or record a new baseline with a reason: node scripts/bench-gate.ts --record "…".',
    ];
  });
}

/** Whether a baseline that allows more than the one before says why. */
export function explainBaseline(previous: Baseline | null, current: Baseline): string[] {
  if (previous === null || previous.reason !== current.reason) return [];
  const raised = names(current.costs).filter((name) => (current.costs[name] ?? 0) > (previous.costs[name] ?? Infinity));
  return raised.map((name) => `The baseline of ${name} was raised without a new reason in bench/baseline.json.`);
}

function names(costs: Partial<HeldCosts>): (keyof HeldCosts)[] {
  return Object.keys(costs) as (keyof HeldCosts)[];
}
