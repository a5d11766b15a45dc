/**
 * What can be said of an engine under `engines:` in the YAML file, once: names, checks and types all come from these tables.
 * `max-tokens-field` here is `max-tokens-field:` in YAML and `maxTokensField` in the configuration.
 */
import { suggestionFor } from './suggest.ts';
import { UsageError } from './usage-error.ts';

/** One setting: `read` returns undefined for what is not `expected`. */
interface Setting<Value> {
  readonly expected: string;
  readonly read: (value: unknown) => Value | undefined;
}

type Table = Readonly<Record<string, Setting<unknown>>>;

type Camel<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name;

/** The settings of a table that were given. */
export type SettingsOf<Rows extends Table> = {
  readonly [Name in keyof Rows & string as Camel<Name>]?: Rows[Name] extends Setting<infer Value> ? Value : never;
};

const text: Setting<string> = {
  expected: 'a text',
  read: (value) => (typeof value === 'string' && value !== '' ? value : undefined),
};

const texts: Setting<readonly string[]> = {
  expected: 'a text, or a list of them',
  read: (value) => {
    const list: unknown[] = Array.isArray(value) ? value : [value];
    return list.length > 0 && list.every((each) => typeof each === 'string' && each !== '')
      ? (list as string[])
      : undefined;
  },
};

const mapping: Setting<Readonly<Record<string, unknown>>> = {
  expected: 'a mapping',
  read: (value) => (isMapping(value) ? value : undefined),
};

const textMapping: Setting<Readonly<Record<string, string>>> = {
  expected: 'a mapping of texts',
  read: (value) =>
    isMapping(value) && Object.values(value).every((each) => typeof each === 'string')
      ? (value as Record<string, string>)
      : undefined,
};

const flag: Setting<boolean> = {
  expected: 'true or false',
  read: (value) => (typeof value === 'boolean' ? value : undefined),
};

function integer(min: number, max: number): Setting<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    read: (value) =>
      typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? value : undefined,
  };
}

function choice<Choice extends string>(...choices: readonly Choice[]): Setting<Choice> {
  return {
    expected: `one of ${choices.join(', ')}`,
    read: (value) => choices.find((each) => each === value),
  };
}

/** The word `none` says that there is to be nothing of the kind. */
function orNone<Value>({ expected, read }: Setting<Value>): Setting<Value | null> {
  return { expected: `${expected}, or none`, read: (value) => (value === 'none' ? null : read(value)) };
}

const delayMs = integer(1, 86_400_000);

/** How much of an engine is used at once. */
const limits = {
  /** Turns that run at once on one replica; others wait. */
  'max-concurrent': integer(1, 100_000),
  /** Turns that may wait for one replica. */
  'max-waiting': integer(0, 1_000_000),
};

/** Of every server that is reached by a URL. */
const remote = {
  ...limits,
  'api-key': text,
  /** Sent with every request; a value may be env:VARIABLE. */
  headers: textMapping,
  /** The models to serve; what the server lists by default. */
  models: texts,
  'connect-timeout-ms': delayMs,
  'first-byte-timeout-ms': delayMs,
  'stall-timeout-ms': delayMs,
  /** Put into every request as they are. */
  'extra-fields': mapping,
  /** Left out of every request. */
  'omitted-fields': texts,
};

/** `kind: chat`. */
export const chatSettings = {
  ...remote,
  'max-tokens-field': choice('max_tokens', 'max_completion_tokens'),
  'reasoning-field': orNone(choice('reasoning_content', 'reasoning')),
  'developer-role': choice('system', 'developer'),
  'affinity-header': orNone(text),
};

/** `kind: responses`. */
export const responsesSettings = {
  ...remote,
  transport: choice('auto', 'websocket', 'sse'),
  lanes: integer(1, 4096),
  'max-sockets': integer(1, 4096),
  'lifetime-ms': delayMs,
  'ping-interval-ms': delayMs,
  'accepts-cancel': flag,
};

/** Of servers that take token ids, `kind: llama-server` among them. */
export const llamaServerSettings = {
  ...limits,
  'api-key': remote['api-key'],
  headers: remote.headers,
  models: remote.models,
  'connect-timeout-ms': delayMs,
  'first-byte-timeout-ms': delayMs,
  'stall-timeout-ms': delayMs,
  /** A Jinja template in place of the server's own. */
  'chat-template': text,
  /** Makes sampling repeatable. */
  seed: integer(0, 2 ** 31 - 1),
};

/** `kind: vllm` and `kind: sglang`. */
export const prefixServerSettings = {
  ...llamaServerSettings,
  /** The folder of the model's tokenizer files; relative to that of the YAML file. */
  tokenizer: text,
};

/** `kind: provider`. */
export const providerSettings = {
  ...limits,
  /** The name of the npm package. */
  package: text,
  /** The function that creates the provider, where the package exports several. */
  export: text,
  models: texts,
  /** What the package's `create…` function takes; a text at any depth may be env:VARIABLE. */
  settings: mapping,
  /** Put into every call as `providerOptions`. */
  'provider-options': mapping,
  /** What system messages become behind the first other message. */
  'late-system-role': choice('system', 'user'),
};

/**
 * The given settings, checked. `source` names their place in errors, which quote no value: it may be a key.
 * Throws a `UsageError` for an unknown name or a wrong value.
 */
export function parseSettings<Rows extends Table>(
  rows: Rows,
  given: Readonly<Record<string, unknown>>,
  source: string,
): SettingsOf<Rows> {
  const settings: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const row = Object.hasOwn(rows, name) ? rows[name] : undefined;
    if (!row) throw new UsageError(`Unknown setting ${name} in ${source}.${suggestionFor(name, Object.keys(rows))}`);
    const read = row.read(value);
    if (read === undefined) throw new UsageError(`Invalid value for ${name} in ${source}: expected ${row.expected}.`);
    settings[toCamel(name)] = read;
  }
  return settings as SettingsOf<Rows>;
}

/** Whether a value of the YAML file has names and values. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toCamel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
