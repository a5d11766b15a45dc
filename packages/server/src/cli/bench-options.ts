/** The command line of `longwire bench`. */
import { suggestionFor } from '../config/suggest.ts';
import { UsageError } from '../config/usage-error.ts';
import { benchModes, type BenchMode } from './bench-driver.ts';
import { optionLines, readOptions, toCount, toKey, toTarget } from './option-table.ts';

/** What `longwire bench` was asked to do. */
export interface BenchCommandOptions {
  /** Base URL, without a slash at its end. */
  readonly target: string;
  readonly model: string;
  readonly apiKey: string | null;
  readonly modes: readonly BenchMode[];
  readonly turns: number;
  /** Conversations in each mode; modes take turns with each other. */
  readonly rounds: number;
}

const table = {
  target: { argument: 'URL', about: 'base URL of the server, such as http://127.0.0.1:8787/v1 (needed)' },
  model: { argument: 'MODEL', about: 'model to ask (needed)' },
  'api-key': { argument: 'KEY', about: 'key that the server wants, or env:VARIABLE' },
  modes: { argument: 'LIST', about: `any of ${benchModes.join(', ')} [http-full,http-previous,ws-delta]` },
  turns: { argument: 'N', about: 'turns of a conversation [8]' },
  rounds: { argument: 'N', about: 'conversations in each mode [3]' },
} as const;

const maxCount = 1_000_000;

/** The section on options in `longwire bench --help`. */
export function benchOptionsHelp(): string {
  return [
    'Options',
    ...optionLines(table),
    '',
    'It holds the same conversation in each mode, over and over, and tells what a turn took. The server may be any that',
    'speaks the Responses API; hosted ones bill the tokens. http-previous needs a server that stores responses.',
    '',
  ].join('\n');
}

/** Throws a usage error, which never repeats a value that may be a key. */
export function parseBenchOptions(argv: readonly string[], env: NodeJS.ProcessEnv): BenchCommandOptions {
  const values = readOptions('bench', table, argv);
  const target = toTarget(values.get('target'));
  const model = values.get('model');
  if (model === undefined) throw new UsageError('--model needs the name of a model that the server has.');
  return {
    target: target.href.replace(/\/+$/, ''),
    model,
    apiKey: toKey(values.get('api-key'), env),
    modes: (values.get('modes') ?? 'http-full,http-previous,ws-delta').split(',').map(toMode),
    turns: toCount('turns', values.get('turns') ?? '8', 1, maxCount),
    rounds: toCount('rounds', values.get('rounds') ?? '3', 1, maxCount),
  };
}

function toMode(word: string): BenchMode {
  const mode = benchModes.find((each) => each === word);
  if (mode === undefined) throw new UsageError(`--modes has no ${word}.${suggestionFor(word, benchModes)}`);
  return mode;
}
