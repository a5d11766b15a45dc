/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';
import { isRolloutName, rolloutNames, type RolloutName } from '../packages/server/src/workloads/rollouts.ts';
import { goalScenes, type SceneChoice } from './suites/scenes.ts';

/** Parts of a run. */
export const suiteNames = [
  'turns',
  'events',
  'memory',
  'instructions',
  'rollouts',
  'prompt',
  'warm-up',
  'failure',
] as const;
export type SuiteName = (typeof suiteNames)[number];

/** What was asked for. */
export interface BenchOptions {
  readonly suites: readonly SuiteName[];
  readonly rounds: number;
  readonly full: boolean;
  /** Rollouts that were asked for; null where the run's own are to be played. */
  readonly scenes: SceneChoice | null;
  readonly jsonPath: string | null;
  readonly htmlPath: string | null;
}

export const usage = `npm run bench -- [--full] [--only turns,events,…] [--rounds 7] [--workload NAME] [--rtt MS] [--json FILE] [--html FILE]

Measures Longwire against floors of the same run: a bare ws server, a bare Node hop, the engine called directly.

  --full          every link, pace and length: most of an hour in place of ten minutes
  --only LIST     ${suiteNames.join(', ')}
  --rounds N      interleaved rounds of the turns and the events [7]
  --workload LIST rollouts to play, of ${rolloutNames.join(', ')} [${goalScenes.workloads.join()}]
  --rtt LIST      round trips of their links in milliseconds [${goalScenes.rttsMs.join()}]
  --rate LIST     tokens a second of their model [${goalScenes.tokensPerSecond.join()}]
  --json FILE     every figure of every round
  --html FILE     one page with plots

A machine that does other things disturbs every clock: read the ratios, and the instructions, which it cannot disturb.
`;

/** Throws an `Error` in a sentence for a command line that is none; null when help was asked for. */
export function parseOptions(argv: readonly string[]): BenchOptions | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      full: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string', default: '7' },
      workload: { type: 'string' },
      rtt: { type: 'string' },
      rate: { type: 'string' },
      json: { type: 'string' },
      html: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return null;
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds needs a whole number above 0.');
  return {
    suites: values.only === undefined ? suiteNames : values.only.split(',').map(toSuiteName),
    rounds,
    full: values.full,
    scenes: toSceneChoice(values),
    jsonPath: values.json ?? null,
    htmlPath: values.html ?? null,
  };
}

function toSuiteName(word: string): SuiteName {
  const found = suiteNames.find((name) => name === word);
  if (!found) throw new Error(`There is no suite ${word}: choose among ${suiteNames.join(', ')}.`);
  return found;
}

/** What `--workload`, `--rtt` and `--rate` leave out is what the goals are about. */
function toSceneChoice(words: { workload?: string; rtt?: string; rate?: string }): SceneChoice | null {
  if (words.workload === undefined && words.rtt === undefined && words.rate === undefined) return null;
  return {
    workloads: words.workload?.split(',').map(toRollout) ?? goalScenes.workloads,
    rttsMs: words.rtt?.split(',').map((word) => toNumber('--rtt', word, 0, 2000)) ?? goalScenes.rttsMs,
    tokensPerSecond:
      words.rate?.split(',').map((word) => toNumber('--rate', word, 1, 1_000_000)) ?? goalScenes.tokensPerSecond,
  };
}

function toRollout(word: string): RolloutName {
  if (isRolloutName(word)) return word;
  throw new Error(`There is no rollout ${word}: choose among ${rolloutNames.join(', ')}.`);
}

function toNumber(flag: string, word: string, least: number, most: number): number {
  const number = Number(word);
  if (word.trim() !== '' && number >= least && number <= most) return number;
  throw new Error(`${flag} needs numbers from ${least} to ${most}, with commas between them.`);
}
