/** The recorded sessions by how much their model says a turn: what decides what an incremental engine saves. */
import { quantile } from '../figures.ts';
import { modelSaving, type ModelledRtt, type Session } from './sessions.ts';

/** Sessions whose turns have about as many tokens of output. */
export interface SessionClass {
  /** Output tokens a turn, the mean of a session: from, and below. */
  readonly from: number;
  readonly below: number;
  readonly sessions: number;
  /** The class's median of it. */
  readonly outputTokens: number;
  /** Percent of API time saved over HTTP keep-alive, by arithmetic. */
  readonly saving: Readonly<Record<0 | ModelledRtt, Quartiles>>;
}

/** The middle half of a class. */
export interface Quartiles {
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
}

const bounds = [0, 250, 350, 450, 600, Infinity];

/** Classes in order of their output; empty ones are left out. */
export function toClasses(sessions: readonly Session[]): SessionClass[] {
  return bounds.slice(1).flatMap((below, index) => {
    const from = bounds[index] ?? 0;
    const members = sessions
      .map(({ whole }) => ({ whole, outputTokens: whole.outputTokens / whole.turns }))
      .filter(({ outputTokens }) => outputTokens >= from && outputTokens < below);
    if (members.length === 0) return [];
    const saving = (rttMs: 0 | ModelledRtt) => toQuartiles(members.map(({ whole }) => modelSaving(whole, rttMs)));
    return {
      from,
      below,
      sessions: members.length,
      outputTokens: quantile(
        members.map(({ outputTokens }) => outputTokens),
        0.5,
      ),
      saving: { 0: saving(0), 20: saving(20), 80: saving(80) },
    };
  });
}

function toQuartiles(values: readonly number[]): Quartiles {
  return { lower: quantile(values, 0.25), median: quantile(values, 0.5), upper: quantile(values, 0.75) };
}
