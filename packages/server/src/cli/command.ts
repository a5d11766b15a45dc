import type { Io } from './io.ts';

/** One word after `longwire`. */
export interface Command {
  readonly name: string;
  /** One line of `longwire --help`. */
  readonly summary: string;
  readonly examples: readonly { readonly line: string; readonly about: string }[];
  /** The section on its options in `longwire NAME --help`. */
  optionsHelp(): string;
  /** Resolves with the exit code. Throws a `UsageError` for a mistake of the caller. */
  run(argv: readonly string[], env: NodeJS.ProcessEnv, io: Io): Promise<number>;
}
