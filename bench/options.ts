/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';

/** Parts of a run. */
export const suiteNames = ['turns', 'events', 'memory', 'instructions', 'rollouts'] as const;
export type SuiteName = (typeof suiteNames)[number];

/** What was asked for. */
export interface BenchOptions {
  readonly suites: readonly SuiteName[];
  readonly rounds: number;
  readonly full: boolean;
  readonly jsonPath: string | null;
  readonly htmlPath: string | null;
}

export const usage = `npm run bench -- [--full] [--only turns,events,…] [--rounds 7] [--json FILE] [--html FILE]

Measures Longwire against floors of the same run: a bare ws server, a bare Node hop, the engine called directly.

  --full          every link, pace and length: about half an hour in place of three minutes
  --only LIST     ${suiteNames.join(', ')}
  --rounds N      interleaved rounds of the turns and the events [7]
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
    jsonPath: values.json ?? null,
    htmlPath: values.html ?? null,
  };
}

function toSuiteName(word: string): SuiteName {
  const found = suiteNames.find((name) => name === word);
  if (!found) throw new Error(`There is no suite ${word}: choose among ${suiteNames.join(', ')}.`);
  return found;
}
