/** The text of `--help`, from the table of options and the commands' own words. */
import { argumentOf } from '../config/flags.ts';
import { groups } from '../config/option.ts';
import { optionNames, optionOf } from '../config/options.ts';
import type { OptionName } from '../config/options.ts';
import { wrap } from './columns.ts';
import type { Command } from './command.ts';

const columns = 100;
const indent = 36;

/** `longwire --help`. */
export function overviewHelp(commands: readonly Command[]): string {
  return [
    'Longwire: a server for the OpenAI Responses API, with WebSocket mode at its centre.',
    '',
    'Usage: longwire COMMAND [OPTIONS]',
    '',
    'Commands',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`),
    '',
    'Examples',
    ...commands.flatMap(exampleLines),
    '',
    '"longwire COMMAND --help" lists the options of a command, "longwire --version" the version.',
    '',
  ].join('\n');
}

/** `longwire COMMAND --help`. */
export function commandHelp(command: Command): string {
  return [
    `longwire ${command.name}: ${command.summary}`,
    '',
    'Examples',
    ...exampleLines(command),
    '',
    command.optionsHelp(),
  ].join('\n');
}

/** All rows of the table of options, by group, with their defaults. */
export function configOptionsHelp(): string {
  const lines = [
    'Every option below is a flag, an environment variable (--max-lanes is LONGWIRE_MAX_LANES) and a key of',
    'the YAML file (max-lanes). Flags win over the environment, that over the file. Options marked * may be',
    'given several times; in the environment commas separate their values, in YAML they are a list.',
    '',
  ];
  for (const group of groups) {
    lines.push(group, ...optionNames.filter((name) => optionOf(name).group === group).flatMap(optionLines), '');
  }
  return lines.join('\n');
}

function exampleLines(command: Command): string[] {
  return command.examples.flatMap(({ line, about }) => [`  # ${about}`, `  ${line}`]);
}

function optionLines(name: OptionName): string[] {
  const option = optionOf(name);
  const left = `  --${name} ${argumentOf(name)}${'repeatable' in option ? ' *' : ''}`;
  const right = wrap(`${option.about}${defaultText(name)}`, columns - indent);
  // A long name stands on a line of its own.
  const first = left.length < indent ? [left.padEnd(indent) + (right.shift() ?? '')] : [left];
  return [...first, ...right.map((line) => ' '.repeat(indent) + line)];
}

function defaultText(name: OptionName): string {
  const option = optionOf(name);
  if ('repeatable' in option || option.default === null) return '';
  if (option.kind === 'switch') return option.default ? ' [on]' : ' [off]';
  return ` [${option.default}]`;
}
