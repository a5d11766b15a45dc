/** Options of a command that has a few of its own: read and shown from one table. */
import { parseArgs } from 'node:util';
import { suggestionFor } from '../config/suggest.ts';
import { UsageError } from '../config/usage-error.ts';
import { wrap } from './columns.ts';

/** One row. */
export interface CommandOption {
  /** Stands for the value in `--help`; null for a switch, which takes none. */
  readonly argument: string | null;
  readonly about: string;
  /** May be given several times, or several values between commas. */
  readonly repeatable?: true;
}

const columns = 78;
const indent = 26;

/** The rows as lines of `--help`. */
export function optionLines(table: Readonly<Record<string, CommandOption>>): string[] {
  return Object.entries(table).flatMap(([name, { argument, about }]) => {
    const left = `  --${name} ${argument ?? ''}`;
    return wrap(about, columns - indent).map((line, index) => (index === 0 ? left : '').padEnd(indent) + line);
  });
}

/** A command line, read. */
export interface Arguments<Name extends string> {
  /** The last value that was given wins, those of a repeatable option stand between commas, and a switch has the value `on`. */
  readonly values: ReadonlyMap<Name, string>;
  /** What is no option, in its order. */
  readonly words: readonly string[];
}

/** Reads the options of a command and the words beside them. Throws a usage error, which never repeats a value: it may be a key. */
export function readArguments<Name extends string>(
  command: string,
  table: Readonly<Record<Name, CommandOption>>,
  argv: readonly string[],
): Arguments<Name> {
  const names = Object.keys(table) as Name[];
  const typeOf = (name: Name) => (table[name].argument === null ? ('boolean' as const) : ('string' as const));
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(names.map((name) => [name, { type: typeOf(name) }])),
    strict: false,
    tokens: true,
  });
  const values = new Map<Name, string>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const name = names.find((each) => each === token.name);
    if (name === undefined) {
      const flags = names.map((each) => `--${each}`);
      const hint = suggestionFor(token.rawName, flags);
      throw new UsageError(`Unknown option ${token.rawName}.${hint} See longwire ${command} --help.`);
    }
    const value = toValue(name, table[name], token);
    const former = table[name].repeatable ? values.get(name) : undefined;
    values.set(name, former === undefined ? value : `${former},${value}`);
  }
  return { values, words };
}

/** The same for a command that takes options only. */
export function readOptions<Name extends string>(
  command: string,
  table: Readonly<Record<Name, CommandOption>>,
  argv: readonly string[],
): ReadonlyMap<Name, string> {
  const { values, words } = readArguments(command, table, argv);
  if (words.length > 0) throw new UsageError(`longwire ${command} takes options only. See longwire ${command} --help.`);
  return values;
}

function toValue(
  name: string,
  { argument }: CommandOption,
  { value, inlineValue }: { readonly value?: string | undefined; readonly inlineValue?: boolean | undefined },
): string {
  if (argument === null) {
    if (value !== undefined) throw new UsageError(`--${name} is a switch: it takes no value.`);
    return 'on';
  }
  // An option behind an option is no value, unless it stands behind an equals sign.
  if (value === undefined || value === '' || (!inlineValue && value.startsWith('-')))
    throw new UsageError(`--${name} needs a value: --${name} ${argument}.`);
  return value;
}

/** A whole number within bounds, both included. Throws a usage error that names the option. */
export function toCount(name: string, value: string, least: number, most: number): number {
  const count = Number(value);
  if (/^\d+$/.test(value) && count >= least && count <= most) return count;
  throw new UsageError(`--${name} needs a whole number from ${least} to ${most.toLocaleString('en')}.`);
}

/** The base URL of `--target`. Throws a usage error for anything but http and https. */
export function toTarget(value: string | undefined): URL {
  const target = URL.parse(value ?? '');
  if (target !== null && ['http:', 'https:'].includes(target.protocol)) return target;
  throw new UsageError('--target needs the base URL of a server, such as http://127.0.0.1:8787/v1.');
}

/** The value of `--api-key`; `env:VARIABLE` takes it from there. Throws a usage error that names the variable. */
export function toKey(value: string | undefined, env: NodeJS.ProcessEnv): string | null {
  const variable = /^env:([A-Za-z_]\w*)$/.exec(value ?? '')?.[1];
  if (variable === undefined) return value ?? null;
  const key = env[variable];
  if (!key) throw new UsageError(`--api-key takes the key from ${variable}, which is not set.`);
  return key;
}
