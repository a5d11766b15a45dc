/** What a row of the table of options says. */

/** Headings of `--help`, in its order. */
export const groups = ['General', 'Listening', 'Models', 'Access', 'Store', 'Limits', 'Timers', 'Log'] as const;

interface OptionBase {
  readonly group: (typeof groups)[number];
  /** What it does, as one sentence of `--help`. */
  readonly about: string;
}

interface TextOption extends OptionBase {
  /** A `path` is resolved against the working folder, or against the folder of the YAML file that names it. */
  readonly kind: 'text' | 'path';
  /** Stands for the value in `--help`. */
  readonly argument: string;
  readonly default: string | null;
  /** Values that are words and not paths. */
  readonly words?: readonly string[];
  /** Not a YAML key. */
  readonly outsideYaml?: true;
}

interface ListOption extends Omit<TextOption, 'default'> {
  /** A flag given again adds a value; an environment variable separates them by commas; YAML has a list. */
  readonly repeatable: true;
  /** Values read NAME=VALUE, and YAML may say it as a mapping. */
  readonly pairs?: true;
  /** No part of a value may be shown. */
  readonly secret?: true;
}

interface IntegerOption extends OptionBase {
  readonly kind: 'integer';
  readonly default: number | string;
  readonly min: number;
  readonly max: number;
  /** Values that are allowed beside numbers. */
  readonly words?: readonly string[];
}

interface SwitchOption extends OptionBase {
  readonly kind: 'switch';
  readonly default: boolean;
}

interface ChoiceOption extends OptionBase {
  readonly kind: 'choice';
  readonly default: string;
  readonly choices: readonly string[];
}

/** One row of the table. */
export type Option = TextOption | ListOption | IntegerOption | SwitchOption | ChoiceOption;
