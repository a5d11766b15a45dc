/** The command line of `longwire bench`. */
import { parseArgs } from 'node:util';
import { suggestionFor } from '../config/suggest.ts';
import { UsageError } from '../config/usage-error.ts';
import { benchModes, type BenchMode } from './bench-driver.ts';

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

type Name = keyof typeof table;
const names = Object.keys(table) as Name[];

/** The section on options in `longwire bench --help`. */
export function benchOptionsHelp(): string {
  return [
    'Options',
    ...names.map((name) => `  ${`--${name} ${table[name].argument}`.padEnd(24)}${table[name].about}`),
    '',
    'It holds the same conversation in each mode, over and over, and tells what a turn took. The server may be any that',
    'speaks the Responses API; hosted ones bill the tokens. http-previous needs a server that stores responses.',
    '',
  ].join('\n');
}

/** Throws a usage error, which never repeats a value that may be a key. */
export function parseBenchOptions(argv: readonly string[], env: NodeJS.ProcessEnv): BenchCommandOptions {
  const values = readValues(argv);
  const target = URL.parse(values.get('target') ?? '');
  if (target === null || !['http:', 'https:'].includes(target.protocol)) {
    throw new UsageError('--target needs the base URL of a server, such as http://127.0.0.1:8787/v1.');
  }
  const model = values.get('model');
  if (model === undefined) throw new UsageError('--model needs the name of a model that the server has.');
  return {
    target: target.href.replace(/\/+$/, ''),
    model,
    apiKey: toKey(values.get('api-key'), env),
    modes: (values.get('modes') ?? 'http-full,http-previous,ws-delta').split(',').map(toMode),
    turns: toCount('turns', values.get('turns') ?? '8'),
    rounds: toCount('rounds', values.get('rounds') ?? '3'),
  };
}

function readValues(argv: readonly string[]): Map<Name, string> {
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
    strict: false,
    tokens: true,
  });
  const values = new Map<Name, string>();
  for (const token of tokens) {
    if (token.kind === 'positional')
      throw new UsageError('longwire bench takes options only. See longwire bench --help.');
    if (token.kind !== 'option') continue;
    const name = names.find((each) => each === token.name);
    if (name === undefined) {
      const hint = suggestionFor(
        token.rawName,
        names.map((each) => `--${each}`),
      );
      throw new UsageError(`Unknown option ${token.rawName}.${hint} See longwire bench --help.`);
    }
    if (token.value === undefined || token.value === '') {
      throw new UsageError(`--${name} needs a value: --${name} ${table[name].argument}.`);
    }
    values.set(name, token.value);
  }
  return values;
}

function toMode(word: string): BenchMode {
  const mode = benchModes.find((each) => each === word);
  if (mode === undefined) throw new UsageError(`--modes has no ${word}.${suggestionFor(word, benchModes)}`);
  return mode;
}

function toCount(name: Name, value: string): number {
  const count = Number(value);
  if (!Number.isInteger(count) || count < 1) throw new UsageError(`--${name} needs a whole number above 0.`);
  return count;
}

function toKey(value: string | undefined, env: NodeJS.ProcessEnv): string | null {
  const variable = /^env:([A-Za-z_]\w*)$/.exec(value ?? '')?.[1];
  if (variable === undefined) return value ?? null;
  const key = env[variable];
  if (!key) throw new UsageError(`--api-key takes the key from ${variable}, which is not set.`);
  return key;
}
