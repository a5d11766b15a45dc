/** The rule of the gate: what a turn costs does not grow unless somebody says why. */
import type { Costs } from './measure.ts';

/** What `bench/baseline.json` holds. */
export interface Baseline {
  /** Why the figures are what they are; a higher figure needs a new one. */
  readonly reason: string;
  /** The Node that they were counted on. */
  readonly node: string;
  readonly costs: Partial<Costs>;
}

/** How much a figure may grow before it counts. */
const tolerance = 0.03;
/** An event's figure is a small difference of large counts: two runs of the same code differ by up to 3.3 %, a turn's by 0.4 %. */
const eventTolerance = 0.08;

/** What has grown beyond the tolerance, in sentences. Figures that either side lacks are passed over. */
export function compareCosts(baseline: Partial<Costs>, measured: Partial<Costs>): string[] {
  return names(baseline).flatMap((name) => {
    const before = baseline[name];
    const now = measured[name];
    // The floor belongs to Node and ws: it is kept for the ratio and not held.
    if (name === 'bareTurnInstructions' || before === undefined || now === undefined) return [];
    if (!(now > before * (1 + (name === 'eventInstructions' ? eventTolerance : tolerance)))) return [];
    const percent = ((now / before - 1) * 100).toFixed(1);
    return [
      `${name} grew by ${percent} %: ${Math.round(now)}, and the baseline is ${Math.round(before)}. ` +
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

function names(costs: Partial<Costs>): (keyof Costs)[] {
  return Object.keys(costs) as (keyof Costs)[];
}
