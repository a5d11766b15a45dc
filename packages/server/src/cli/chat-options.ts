/** The command line of `longwire chat`. */
import { realpathSync, statSync } from 'node:fs';
import { suggestionFor } from '../config/suggest.ts';
import { UsageError } from '../config/usage-error.ts';
import { toolSets } from './chat-approval.ts';
import type { ToolSet } from './chat-approval.ts';
import { optionLines, readArguments, toKey } from './option-table.ts';
import type { CommandOption } from './option-table.ts';

/** What `longwire chat` was asked to do. */
export interface ChatOptions {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  /** Null: the first that the server lists. */
  readonly model: string | null;
  readonly apiKey: string | null;
  readonly instructions: string | null;
  readonly tools: readonly ToolSet[];
  /** Where tools work: a real path. */
  readonly folder: string;
  /** Whether every call is allowed. */
  readonly isYes: boolean;
  /** Whether the server keeps the conversation. */
  readonly isStored: boolean;
  /** The response to go on from. */
  readonly resume: string | null;
  /** The words after the options; null without any. */
  readonly prompt: string | null;
}

const table = {
  url: { argument: 'URL', about: 'base URL of the server [http://127.0.0.1:8787/v1]' },
  model: { argument: 'MODEL', about: 'model to talk to [the first that the server lists]' },
  'api-key': { argument: 'KEY', about: 'key that the server wants, or env:VARIABLE' },
  instructions: { argument: 'TEXT', about: 'what the model is told before the conversation' },
  tools: { argument: 'LIST', about: `tools that the model may call: ${toolSets.join(', ')} [none]`, repeatable: true },
  folder: { argument: 'FOLDER', about: 'where they work; files are never touched outside of it [this one]' },
  yes: { argument: null, about: 'every call is allowed: for scripts' },
  store: { argument: null, about: 'the server keeps the conversation, for --resume' },
  resume: { argument: 'ID', about: 'goes on from a response that the server has kept, and keeps what follows' },
} as const satisfies Record<string, CommandOption>;

const defaultUrl = 'http://127.0.0.1:8787/v1';

/** The section on options in `longwire chat --help`. */
export function chatOptionsHelp(): string {
  return [
    'Options',
    ...optionLines(table),
    '',
    'With a PROMPT, or with text piped in, it prints one answer and ends. Otherwise it reads prompts from the',
    'terminal; Ctrl-C stops an answer, Ctrl-D ends the conversation, /help lists its commands.',
    '',
    'Commands of the shell, and changes of files, are asked for one by one: yes, no, or always for this tool.',
    'A command begins in the folder and may go anywhere: look at it. It sees no keys of the environment, has no',
    'input, and ends after two minutes.',
    '',
  ].join('\n');
}

/** Throws a usage error, which names an option and never its value: it may be a key. */
export function parseChatOptions(argv: readonly string[], env: NodeJS.ProcessEnv): ChatOptions {
  const { values, words } = readArguments('chat', table, argv);
  return {
    baseUrl: toBaseUrl(values.get('url') ?? defaultUrl),
    model: values.get('model') ?? null,
    apiKey: toKey(values.get('api-key'), env),
    instructions: values.get('instructions') ?? null,
    tools: toToolSets(values.get('tools')),
    folder: toFolder(values.get('folder')),
    isYes: values.has('yes'),
    isStored: values.has('store') || values.has('resume'),
    resume: values.get('resume') ?? null,
    prompt: words.length > 0 ? words.join(' ') : null,
  };
}

function toToolSets(value: string | undefined): ToolSet[] {
  const words = (value ?? '').split(',').filter((word) => word !== '');
  return [...new Set(words)].map((word) => {
    const set = toolSets.find((each) => each === word);
    if (set === undefined) throw new UsageError(`--tools has no ${word}.${suggestionFor(word, toolSets)}`);
    return set;
  });
}

function toFolder(value: string | undefined): string {
  const folder = value ?? '.';
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(`--folder: ${folder} is no folder.`);
  return realpathSync(folder);
}

function toBaseUrl(value: string): string {
  const url = URL.parse(value);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new UsageError(`--url needs the base URL of a server, such as ${defaultUrl}.`);
  }
  return url.href.replace(/\/+$/, '');
}
