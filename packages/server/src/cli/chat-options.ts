/** The command line of `longwire chat`. */
import { parseArgs } from 'node:util';
import { suggestionFor } from '../config/suggest.ts';
import { UsageError } from '../config/usage-error.ts';

/** What `longwire chat` was asked to do. */
export interface ChatOptions {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  /** Null: the first that the server lists. */
  readonly model: string | null;
  readonly apiKey: string | null;
  readonly instructions: string | null;
  /** The words after the options; null without any. */
  readonly prompt: string | null;
}

const table = {
  url: { argument: 'URL', about: 'base URL of the server [http://127.0.0.1:8787/v1]' },
  model: { argument: 'MODEL', about: 'model to talk to [the first that the server lists]' },
  'api-key': { argument: 'KEY', about: 'key that the server wants, or env:VARIABLE' },
  instructions: { argument: 'TEXT', about: 'what the model is told before the conversation' },
} as const;

type ChatOptionName = keyof typeof table;
const names = Object.keys(table) as ChatOptionName[];
const defaultUrl = 'http://127.0.0.1:8787/v1';

/** The section on options in `longwire chat --help`. */
export function chatOptionsHelp(): string {
  return [
    'Options',
    ...names.map((name) => `  ${`--${name} ${table[name].argument}`.padEnd(24)}${table[name].about}`),
    '',
    'With a PROMPT, or with text piped in, it prints one answer and ends. Otherwise it reads prompts from the',
    'terminal; Ctrl-C stops an answer, Ctrl-D ends the conversation.',
    '',
  ].join('\n');
}

/** Throws a usage error, which names an option and never its value: it may be a key. */
export function parseChatOptions(argv: readonly string[], env: NodeJS.ProcessEnv): ChatOptions {
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
    strict: false,
    tokens: true,
  });
  const values = new Map<string, string>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    if (!isOptionName(name)) {
      const known = names.map((option) => `--${option}`);
      throw new UsageError(`Unknown option ${rawName}.${suggestionFor(rawName, known)} See longwire chat --help.`);
    }
    if (value === undefined || value === '' || (!inlineValue && value.startsWith('-'))) {
      throw new UsageError(`--${name} needs a value: --${name} ${table[name].argument}.`);
    }
    values.set(name, value);
  }
  return {
    baseUrl: toBaseUrl(values.get('url') ?? defaultUrl),
    model: values.get('model') ?? null,
    apiKey: toKey(values.get('api-key'), env),
    instructions: values.get('instructions') ?? null,
    prompt: words.length > 0 ? words.join(' ') : null,
  };
}

function isOptionName(name: string): name is ChatOptionName {
  return Object.hasOwn(table, name);
}

function toBaseUrl(value: string): string {
  const url = URL.parse(value);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new UsageError(`--url needs the base URL of a server, such as ${defaultUrl}.`);
  }
  return url.href.replace(/\/+$/, '');
}

function toKey(value: string | undefined, env: NodeJS.ProcessEnv): string | null {
  const variable = /^env:([A-Za-z_]\w*)$/.exec(value ?? '')?.[1];
  if (variable === undefined) return value ?? null;
  const key = env[variable];
  if (!key) throw new UsageError(`--api-key takes the key from ${variable}, which is not set.`);
  return key;
}
