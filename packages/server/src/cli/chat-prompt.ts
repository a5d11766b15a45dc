/** The interactive side of `longwire chat`: a prompt, its commands, and what Ctrl-C does. */
import { createInterface } from 'node:readline';
import type { Conversation } from './chat-conversation.ts';
import { dim, TurnView } from './chat-view.ts';
import type { ViewOptions } from './chat-view.ts';
import type { Io } from './io.ts';

/** The terminal that prompts are typed at. */
export interface ChatTerminal {
  readonly input: NodeJS.ReadableStream;
  /** Where typed text is echoed. */
  readonly output: NodeJS.WritableStream;
  /** Whether somebody is there to type. */
  readonly isInteractive: boolean;
}

/** What a prompt works with. */
export interface PromptOptions {
  readonly terminal: ChatTerminal;
  readonly io: Io;
  readonly conversation: Conversation;
  readonly view: ViewOptions;
  readonly listModels: () => Promise<readonly string[]>;
  /** An error as a sentence for people. */
  readonly describe: (error: unknown) => string;
}

const help = [
  '/model         list the models',
  '/model MODEL   talk to another one',
  '/new           start a new conversation',
  '/quit          end; Ctrl-D and a second Ctrl-C do the same',
  '',
].join('\n');

/** Reads prompts and shows answers until the person ends it. */
export async function runPrompt(options: PromptOptions): Promise<void> {
  const { terminal, io, conversation, view } = options;
  const editor = createInterface({ input: terminal.input, output: terminal.output, terminal: true, prompt: '> ' });
  let turn: AbortController | null = null;
  let stoppedOnce = false;
  let closed = false;

  const stop = () => {
    if (turn && !turn.signal.aborted) {
      turn.abort();
    } else if (stoppedOnce) {
      editor.close();
    } else {
      editor.write(null, { ctrl: true, name: 'u' });
      io.out.write(`\n${dim('Ctrl-C again ends the conversation.', view.colour)}\n`);
      editor.prompt();
    }
    stoppedOnce = true;
  };
  editor.on('SIGINT', stop);
  editor.on('close', () => {
    closed = true;
    turn?.abort();
  });
  const removeListener = io.onStopSignal((signal) => (signal === 'SIGINT' ? stop() : editor.close()));

  try {
    editor.prompt();
    for await (const line of editor) {
      stoppedOnce = false;
      const text = line.trim();
      if (text === '/quit') break;
      try {
        if (text.startsWith('/')) await runCommand(text, options);
        else if (text !== '') {
          turn = new AbortController();
          await showTurn(conversation, text, view, turn.signal);
        }
      } catch (error) {
        if (turn?.signal.aborted) io.out.write(`${dim('Stopped.', view.colour)}\n`);
        else io.err.write(`${options.describe(error)}\n`);
      }
      turn = null;
      if (closed) break;
      editor.prompt(true);
    }
  } finally {
    removeListener();
    editor.close();
    io.out.write('\n');
  }
}

/** Asks and shows one turn. Throws what `Conversation.ask` throws, after ending the line. */
export async function showTurn(
  conversation: Conversation,
  text: string,
  options: ViewOptions,
  signal: AbortSignal,
): Promise<void> {
  const view = new TurnView(options);
  try {
    for await (const event of conversation.ask(text, signal)) view.show(event);
  } finally {
    view.end();
  }
}

async function runCommand(line: string, { io, conversation, listModels }: PromptOptions): Promise<void> {
  const [command, argument] = line.split(/\s+/, 2);
  switch (command) {
    case '/help':
      return io.out.write(help);
    case '/new':
      conversation.restart();
      return io.out.write('A new conversation.\n');
    case '/model':
      if (argument) {
        conversation.model = argument;
        return io.out.write(`Talking to ${argument}.\n`);
      }
      for (const id of await listModels()) io.out.write(`${id === conversation.model ? '*' : ' '} ${id}\n`);
      return;
    default:
      io.out.write(`There is no ${command}; /help lists the commands.\n`);
  }
}
