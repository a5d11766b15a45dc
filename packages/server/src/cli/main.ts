/** `longwire COMMAND …`: finds the command and turns what it throws into one sentence and an exit code. */
import { suggestionFor } from '../config/suggest.ts';
import { UsageError } from '../config/usage-error.ts';
import { bench } from './bench.ts';
import { chaos } from './chaos.ts';
import { chat } from './chat.ts';
import type { Command } from './command.ts';
import { demo } from './demo/demo.ts';
import { commandHelp, overviewHelp } from './help.ts';
import type { Io } from './io.ts';
import { serve } from './serve.ts';
import { version } from './version.ts';

const commands: readonly Command[] = [serve, chat, bench, demo, chaos];

/** Runs the command that `argv` (without the program's own name) asks for. Exit codes: 0, 1 failed, 2 misused. Never throws. */
export async function run(argv: readonly string[], env: NodeJS.ProcessEnv, io: Io): Promise<number> {
  try {
    return await dispatch(argv, env, io);
  } catch (error) {
    io.err.write(`longwire: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function dispatch(argv: readonly string[], env: NodeJS.ProcessEnv, io: Io): Promise<number> {
  const [word, ...rest] = argv;
  if (word === undefined || isHelp(word)) {
    io.out.write(overviewHelp(commands));
    return 0;
  }
  if (word === '--version' || word === '-v') {
    io.out.write(`${version}\n`);
    return 0;
  }
  const command = commands.find(({ name }) => name === word);
  if (command === undefined) throw unknownCommand(word);
  if (rest.some(isHelp)) {
    io.out.write(commandHelp(command));
    return 0;
  }
  return await command.run(rest, env, io);
}

function isHelp(word: string): boolean {
  return word === '--help' || word === '-h';
}

function unknownCommand(word: string): UsageError {
  // The value of an option may be a key: only its name is repeated.
  if (word.startsWith('-')) {
    return new UsageError(`A command comes before its options: longwire serve ${word.split('=', 1)[0]}.`);
  }
  const names = commands.map(({ name }) => name);
  return new UsageError(`Unknown command ${word}.${suggestionFor(word, names)} See longwire --help.`);
}
