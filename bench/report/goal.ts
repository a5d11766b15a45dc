/** What a goal is. */

/** A goal of the project, judged by figures of a run. */
export interface Goal {
  /** As in the dossier: G1–G16 for what is aimed at, O1–O11 for what is watched. */
  readonly id: string;
  readonly goal: string;
  /** Ids of figures, or how they begin. */
  readonly figures: readonly string[];
  /** Which of the figures is judged: the first that the run has, or the one that is farthest from the goal. */
  readonly which?: 'first' | 'worst';
  /** `ratio`: of the figure to its floor. */
  readonly of: 'ratio' | 'value';
  readonly limit: Limit;
  /** What stands in the way where it is missed, in a sentence: the report says it then, and only then. */
  readonly hint: string;
  /** Beyond what has to hold: physically possible, and nobody promised it. */
  readonly isMoonshot?: boolean;
}

/** On which side of a number a figure must be. */
export interface Limit {
  readonly side: 'at most' | 'at least';
  readonly limit: number;
}

export const atMost = (limit: number): Limit => ({ side: 'at most', limit });
export const atLeast = (limit: number): Limit => ({ side: 'at least', limit });

/** How far a value is on the good side of the limit; negative where it missed it. */
export function toMargin({ side, limit }: Limit, value: number): number {
  return side === 'at most' ? limit - value : value - limit;
}
