/** The command line of `longwire demo`. */
import { accessSync, constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { suggestionFor } from '../../config/suggest.ts';
import { UsageError } from '../../config/usage-error.ts';
import { isRolloutName, rolloutNames, type RolloutName } from '../../workloads/rollouts.ts';
import { optionLines, readOptions, toCount } from '../option-table.ts';

/** How the rollouts are to be raced. */
export interface RaceSettings {
  readonly kind: 'race';
  readonly rollouts: readonly RolloutName[];
  readonly rttMs: number;
  /** Tokens a second. */
  readonly rate: number;
  /** Where the page goes, absolute; null: a file of its own among the temporary ones. */
  readonly htmlPath: string | null;
}

/** What `longwire demo` was asked to do. */
export type DemoOptions = RaceSettings | { readonly kind: 'agent'; readonly maxSteps: number };

const table = {
  rollouts: { argument: 'LIST', about: `any of ${rolloutNames.join(', ')} [airline-27,coding-90]` },
  'rtt-ms': { argument: 'NUMBER', about: 'round trip between client and server [40]; 0 is loopback' },
  rate: { argument: 'NUMBER', about: 'tokens a second of the model [3000]' },
  html: { argument: 'FILE', about: 'where the page with the plots goes [a temporary file]' },
  agent: { argument: null, about: 'the built-in model repairs a file instead' },
  'max-steps': { argument: 'NUMBER', about: 'model turns that the agent may take [12]' },
} as const;

/** The section on options in `longwire demo --help`. */
export function demoOptionsHelp(): string {
  return [
    'Options',
    ...optionLines(table),
    '',
    'Both sides send the same turns to servers alike, with the tools and instructions in every turn: HTTP with the whole',
    'history, the WebSocket with what is new. The engine replays a rollout at the given rate, and the link is a model of',
    'one: half a round trip each way, and the rounds of TCP slow start for what exceeds its window. No TLS, no loss, no',
    'limit of bandwidth; tools take no time. For measurements there is npm run bench.',
    '',
  ].join('\n');
}

/** Throws a usage error. */
export function parseDemoOptions(argv: readonly string[]): DemoOptions {
  const values = readOptions('demo', table, argv);
  if (values.has('agent')) {
    return { kind: 'agent', maxSteps: toCount('max-steps', values.get('max-steps') ?? '12', 1, 100) };
  }
  return {
    kind: 'race',
    rollouts: (values.get('rollouts') ?? 'airline-27,coding-90').split(',').map(toRolloutName),
    rttMs: toCount('rtt-ms', values.get('rtt-ms') ?? '40', 0, 2000),
    rate: toCount('rate', values.get('rate') ?? '3000', 1, 1_000_000),
    htmlPath: toPath(values.get('html')),
  };
}

/** What cannot be written is said before a minute has passed. */
function toPath(path: string | undefined): string | null {
  if (path === undefined) return null;
  const folder = dirname(resolve(path));
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new UsageError(`--html cannot be written: ${folder} is no folder, or not for this user.`);
  }
  return resolve(path);
}

function toRolloutName(word: string): RolloutName {
  if (isRolloutName(word)) return word;
  throw new UsageError(`--rollouts has no ${word}.${suggestionFor(word, rolloutNames)}`);
}
