/** A whole run. */
import type { Figure } from '../figures.ts';
import type { Machine } from '../machine.ts';
import type { Plot } from '../../packages/server/src/cli/plot.ts';

/** What `--json` writes and the page shows. */
export interface Report {
  readonly machine: Machine;
  /** When it ended, ISO 8601. */
  readonly at: string;
  readonly figures: readonly Figure[];
  readonly plots: readonly Plot[];
  readonly notes: readonly string[];
  readonly goals: readonly Verdict[];
}

/** A goal and how near this run came to it. */
export interface Verdict {
  readonly id: string;
  readonly goal: string;
  /** Null where this run did not measure it. */
  readonly value: string | null;
  readonly floor: string | null;
  readonly isReached: boolean | null;
  /** What stands in the way, where it was missed; null elsewhere. */
  readonly hint: string | null;
  /** Whether it is beyond what has to hold. */
  readonly isMoonshot: boolean;
}
