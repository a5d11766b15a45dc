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

/**
 * The values that were given; the last one wins, those of a repeatable option stand between commas, and a switch has the value `on`. Throws a
 * usage error, which names an option and never its value: it may be a key.
 */
export function readOptions<Name extends string>(
  command: string,
  table: Readonly<Record<Name, CommandOption>>,
  argv: readonly string[],
): Map<Name, string> {
  const names = Object.keys(table) as Name[];
  const typeOf = (name: Name) => (table[name].argument === null ? ('boolean' as const) : ('string' as const));
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(names.map((name) => [name, { type: typeOf(name) }])),
    strict: false,
    tokens: true,
  });
  const values = new Map<Name, string>();
  for (const token of tokens) {
    if (token.kind === 'positional') {
      throw new UsageError(`longwire ${command} takes options only. See longwire ${command} --help.`);
    }
    if (token.kind !== 'option') continue;
    const name = names.find((each) => each === token.name);
    if (name === undefined) {
      const flags = names.map((each) => `--${each}`);
      const hint = suggestionFor(token.rawName, flags);
      throw new UsageError(`Unknown option ${token.rawName}.${hint} See longwire ${command} --help.`);
    }
    const value = toValue(name, table[name], token.value);
    const former = table[name].repeatable ? values.get(name) : undefined;
    values.set(name, former === undefined ? value : `${former},${value}`);
  }
  return values;
}

function toValue(name: string, { argument }: CommandOption, value: string | undefined): string {
  if (argument === null) {
    if (value !== undefined) throw new UsageError(`--${name} is a switch: it takes no value.`);
    return 'on';
  }
  if (value === undefined || value === '') throw new UsageError(`--${name} needs a value: --${name} ${argument}.`);
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
