/** Command-line flags as raw values. */
import { environmentName, isOptionName, optionNames, optionOf } from './options.ts';
import type { OptionName } from './options.ts';
import { suggestionFor } from './suggest.ts';
import { UsageError } from './usage-error.ts';
import type { RawValues } from './values.ts';
import { isSwitchWord } from './values.ts';

/**
 * `--name value`, `--name=value`, and for switches `--name` and `--no-name`. The last one wins, except where an option
 * repeats. `folder` is where relative paths start. Throws a usage error that names a flag, never its value: it may be a key.
 */
export function readFlags(argv: readonly string[], folder: string): RawValues {
  const raw: RawValues = {};
  for (let i = 0; i < argv.length; i++) {
    const { name, flag, negated, inline } = parseFlag(argv[i] ?? '', argv[i - 1]);
    const following = argv[i + 1];
    const isSwitch = optionOf(name).kind === 'switch';
    let value: string | boolean;
    if (inline !== undefined) {
      value = inline;
    } else if (
      !negated &&
      following !== undefined &&
      (isSwitch ? isSwitchWord(following) : !following.startsWith('--'))
    ) {
      value = following;
      i++;
    } else if (isSwitch) {
      value = !negated;
    } else {
      throw new UsageError(`${flag} needs a value: ${flag} ${argumentOf(name)}.`);
    }

    const earlier = raw[name]?.value;
    const list = 'repeatable' in optionOf(name);
    raw[name] = {
      value: list ? [...(Array.isArray(earlier) ? earlier : []), value] : value,
      source: flag,
      folder,
    };
  }
  return raw;
}

/** `LONGWIRE_…` variables as raw values; repeatable ones separate their values by commas. An empty one counts as not set. */
export function readEnvironment(env: NodeJS.ProcessEnv, folder: string): RawValues {
  const raw: RawValues = {};
  const names = new Map(optionNames.map((name) => [environmentName(name), name]));
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('LONGWIRE_') || !value) continue;
    const name = names.get(variable);
    if (name === undefined) {
      throw new UsageError(`Unknown environment variable ${variable}.${suggestionFor(variable, [...names.keys()])}`);
    }
    const list = 'repeatable' in optionOf(name);
    const values = list ? value.split(',').map((part) => part.trim()) : value;
    raw[name] = { value: values, source: variable, folder };
  }
  return raw;
}

function parseFlag(argument: string, previous: string | undefined) {
  if (!argument.startsWith('--')) {
    // It may be the other half of a key that somebody split: only what stands before it is repeated.
    const place = previous?.startsWith('--') ? ` after ${previous.split('=', 1)[0]}` : '';
    throw new UsageError(`Unexpected argument${place}: options are written as --name VALUE or --name=VALUE.`);
  }
  const equals = argument.indexOf('=');
  const flag = equals === -1 ? argument : argument.slice(0, equals);
  const inline = equals === -1 ? undefined : argument.slice(equals + 1);
  const given = flag.slice(2);
  if (isOptionName(given)) return { name: given, flag, negated: false, inline };
  const positive = given.replace(/^no-/, '');
  if (isOptionName(positive) && optionOf(positive).kind === 'switch' && inline === undefined) {
    return { name: positive, flag, negated: true, inline };
  }
  const flags = optionNames.map((known) => `--${known}`);
  throw new UsageError(`Unknown option ${flag}.${suggestionFor(flag, flags)}`);
}

/** What stands for an option's value in help and errors. */
export function argumentOf(name: OptionName): string {
  const option = optionOf(name);
  switch (option.kind) {
    case 'text':
    case 'path':
      return option.argument;
    case 'choice':
      return option.choices.join('|');
    case 'switch':
      return 'on|off';
    case 'integer':
      return option.words ? `NUMBER|${option.words.join('|')}` : 'NUMBER';
  }
}
