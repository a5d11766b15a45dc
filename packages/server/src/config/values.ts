/** One raw value, from wherever it came, checked against its row of the table. */
import { resolve } from 'node:path';
import type { Option } from './option.ts';
import type { OptionName } from './options.ts';
import { optionOf } from './options.ts';
import { UsageError } from './usage-error.ts';

/** A raw value with what is needed to judge it. */
export interface RawValue {
  /** A text from flags and the environment, of any type from YAML. Options that repeat hold a list here. */
  readonly value: unknown;
  /** How people know it: `--port`, `LONGWIRE_PORT`, `port in longwire.yaml`. */
  readonly source: string;
  /** Absolute folder that relative paths start from. */
  readonly folder: string;
}

/** What was given for each option; options that nobody gave are missing. */
export type RawValues = Partial<Record<OptionName, RawValue>>;

/** A checked value, as `OptionValues` types it. Throws a usage error that says what was expected. */
export function parseValue(name: OptionName, raw: RawValue): unknown {
  const option = optionOf(name);
  if (!('repeatable' in option)) return parseOne(option, raw, raw.value);
  if (!Array.isArray(raw.value)) throw mismatch(option, raw, raw.value);
  return raw.value.map((value: unknown) => parseOne(option, raw, value));
}

function parseOne(option: Option, raw: RawValue, value: unknown): string | number | boolean {
  switch (option.kind) {
    case 'text':
      if (typeof value === 'string' && value !== '') return value;
      break;
    case 'path':
      if (typeof value !== 'string' || value === '') break;
      return option.words?.includes(value) ? value : resolve(raw.folder, value);
    case 'choice':
      if (typeof value === 'string' && option.choices.includes(value)) return value;
      break;
    case 'switch':
      if (typeof value === 'boolean') return value;
      if (typeof value === 'string' && Object.hasOwn(switchWords, value)) return switchWords[value] === true;
      break;
    case 'integer': {
      if (typeof value === 'string' && option.words?.includes(value)) return value;
      const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isInteger(number)) break;
      if (number >= option.min && number <= option.max) return number;
      break;
    }
  }
  throw mismatch(option, raw, value);
}

const switchWords: Record<string, boolean> = { on: true, true: true, off: false, false: false };

/** Whether a text can be the value of a switch. */
export function isSwitchWord(text: string): boolean {
  return Object.hasOwn(switchWords, text);
}

function mismatch(option: Option, raw: RawValue, value: unknown): UsageError {
  const got = 'secret' in option ? '' : `, but got ${describe(value)}`;
  return new UsageError(`Invalid value for ${raw.source}: expected ${expectation(option)}${got}.`);
}

function expectation(option: Option): string {
  switch (option.kind) {
    case 'text':
    case 'path':
      return 'repeatable' in option ? `${option.argument}, or a list of them` : option.argument;
    case 'choice':
      return `one of ${option.choices.join(', ')}`;
    case 'switch':
      return 'on or off';
    case 'integer': {
      const range = `a whole number from ${option.min} to ${option.max}`;
      return option.words ? `${range}, or ${option.words.join(', ')}` : range;
    }
  }
}

function describe(value: unknown): string {
  if (value === '') return 'nothing';
  if (typeof value === 'string') return `'${value.slice(0, 64)}'`;
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : 'a mapping';
}
