/** The command line of `longwire demo`. */
import { accessSync, constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { suggestionFor } from '../../config/suggest.ts';
import { UsageError } from '../../config/usage-error.ts';
import { isRolloutName, rolloutNames, type RolloutName } from '../../workloads/rollouts.ts';
import { wrap } from '../columns.ts';
import { optionLines, readOptions, toCount } from '../option-table.ts';
import { screenColumns } from './screen.ts';

/** How the rollouts are to be raced. */
export interface RaceSettings {
  readonly kind: 'race';
  readonly rollouts: readonly RolloutName[];
  readonly rttMs: number;
  readonly pauseMs: number;
  readonly deflate: boolean;
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
  'pause-ms': { argument: 'NUMBER', about: 'silence of the link while tools run, which nobody waits for [10000]' },
  rate: { argument: 'NUMBER', about: 'tokens a second of the model [3000]' },
  'plain-frames': { argument: null, about: 'the WebSocket does not offer compression' },
  html: { argument: 'FILE', about: 'where the page with the plots goes [a temporary file]' },
  agent: { argument: null, about: 'the built-in model repairs a file instead' },
  'max-steps': { argument: 'NUMBER', about: 'model turns that the agent may take [12]' },
} as const;

const about =
  'Both sides send the same turns to servers alike, with tools and instructions in every turn: HTTP keep-alive with the whole history, the ' +
  'WebSocket with what is new. The engine replays a rollout at the given rate and takes no time to read. The link is a model of TCP: a ' +
  'round trip, and a window that opens with what is acknowledged and closes in silence. Recorded pauses are 10 s in the median; --pause-ms 0 ' +
  'shows a link that stays warm, where little is left to save. No TLS, no loss, no limit of bandwidth. For measurements there is npm run bench.';

/** The section on options in `longwire demo --help`. */
export function demoOptionsHelp(): string {
  return ['Options', ...optionLines(table), '', ...wrap(about, screenColumns), ''].join('\n');
}

/** Throws a usage error. */
export function parseDemoOptions(argv: readonly string[]): DemoOptions {
  const values = readOptions('demo', table, argv);
  const isAgent = values.has('agent');
  for (const name of values.keys()) {
    if (name === 'agent' || (name === 'max-steps') === isAgent) continue;
    throw new UsageError(`--${name} is for the demo ${isAgent ? 'without' : 'with'} --agent.`);
  }
  if (isAgent) {
    return { kind: 'agent', maxSteps: toCount('max-steps', values.get('max-steps') ?? '12', 1, 100) };
  }
  return {
    kind: 'race',
    rollouts: (values.get('rollouts') ?? 'airline-27,coding-90').split(',').map(toRolloutName),
    rttMs: toCount('rtt-ms', values.get('rtt-ms') ?? '40', 0, 2000),
    pauseMs: toCount('pause-ms', values.get('pause-ms') ?? '10000', 0, 3_600_000),
    deflate: !values.has('plain-frames'),
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
