/** The commands that are typed at the prompt of `longwire chat`. */
import type { PromptOptions } from './chat-prompt.ts';

interface ChatCommand {
  /** After the name in `/help`. */
  readonly argument?: string;
  readonly about: string;
  run(argument: string, options: PromptOptions, signal: AbortSignal): Promise<string> | string;
}

/** By name; each returns what is shown. Throws an `Error` for people. */
const commands: Readonly<Record<string, ChatCommand>> = {
  help: { about: 'this list', run: () => helpText() },
  model: { argument: '[MODEL]', about: 'lists the models, or talks to another one', run: chooseModel },
  steer: { argument: 'TEXT', about: 'says something to the answer that runs', run: () => 'No answer runs.' },
  fork: {
    argument: '[NAME]',
    about: 'goes on in a copy of the conversation; this one stays as it is',
    run: (name, { conversation }) => `In ${conversation.fork(name === '' ? undefined : name)}; /branch main goes back.`,
  },
  branch: { argument: '[NAME]', about: 'lists the copies, or goes to one', run: chooseBranch },
  compact: {
    about: 'has the server seal what was said into a summary',
    async run(_argument, { conversation }, signal) {
      const usage = await conversation.compact(signal);
      return usage ? `Compacted: ${usage.input_tokens} tokens became ${usage.output_tokens}.` : 'Compacted.';
    },
  },
  resume: {
    argument: '[ID]',
    about: 'goes on from a response that the server has kept; without ID, says where this is',
    run(id, { conversation }) {
      if (id === '') return conversation.newest ?? 'Nothing was said yet.';
      conversation.resume(id);
      return `The next words go on from ${id}.`;
    },
  },
  new: {
    about: 'starts a new conversation',
    run(_argument, { conversation }) {
      conversation.restart();
      return 'A new conversation.';
    },
  },
  quit: { about: 'ends; Ctrl-D and a second Ctrl-C do the same', run: () => '' },
};

/** Does what a line that begins with a slash asks for. Throws what a turn throws, or an `Error` for people. */
export async function runChatCommand(line: string, options: PromptOptions, signal: AbortSignal): Promise<void> {
  const [, name = '', argument = ''] = /^\/(\S*)\s*(.*)$/s.exec(line) ?? [];
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const answer = command
    ? await command.run(argument, options, signal)
    : `There is no /${name}; /help lists the commands.`;
  options.io.out.write(`${answer}\n`);
}

function helpText(): string {
  return Object.entries(commands)
    .map(([name, { argument = '', about }]) => `${`/${name} ${argument}`.padEnd(18)}${about}`)
    .join('\n');
}

async function chooseModel(id: string, { conversation, listModels }: PromptOptions): Promise<string> {
  if (id !== '') {
    conversation.model = id;
    return `Talking to ${id}.`;
  }
  return toList(await listModels(), conversation.model);
}

function chooseBranch(name: string, { conversation }: PromptOptions): string {
  if (name !== '') conversation.go(name);
  const { here, all } = conversation.branches;
  return toList(all, here);
}

function toList(names: readonly string[], chosen: string): string {
  return names.map((name) => `${name === chosen ? '*' : ' '} ${name}`).join('\n');
}
