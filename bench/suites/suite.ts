/** What a suite gets and gives. */
import type { Plot } from '../../packages/server/src/cli/plot.ts';
import type { Figure } from '../figures.ts';
import type { SceneChoice } from './scenes.ts';

/** How much is measured. */
export interface SuiteOptions {
  /** Interleaved rounds, floor and server within the same seconds each. */
  readonly rounds: number;
  /** Everything, for most of an hour, in place of what fits a few minutes. */
  readonly full: boolean;
  /** Rollouts, links and paces that were asked for; null: those that come along. */
  readonly scenes: SceneChoice | null;
  /** Says what is being done. */
  readonly progress: (sentence: string) => void;
}

/** What a suite has found. */
export interface Findings {
  readonly figures: readonly Figure[];
  readonly plots: readonly Plot[];
  /** What a reader must know to judge them. */
  readonly notes: readonly string[];
}
