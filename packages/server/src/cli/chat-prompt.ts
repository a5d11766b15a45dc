/** The interactive side of `longwire chat`: a prompt, its commands, the questions of tools, and what Ctrl-C does. */
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import { runChatCommand } from './chat-commands.ts';
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

/** A person at a terminal. What they type is a prompt, a command, a word to the answer that runs, or what a tool asked for. */
export class Prompt {
  readonly #lines: string[] = [];
  #editor: Interface | null = null;
  #options: PromptOptions | null = null;
  #question: ((answer: string) => void) | null = null;
  #turn: AbortController | null = null;
  #wake: (() => void) | null = null;
  #stoppedOnce = false;
  #isClosed = false;

  /** Asks for a line. Rejects when the signal aborts. */
  readonly ask = (question: string, signal: AbortSignal): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#question = resolve;
    this.#options?.io.out.write(question);
    return promise.finally(() => {
      this.#question = null;
      signal.removeEventListener('abort', onAbort);
    });
  };

  /** Reads prompts and shows answers until the person ends it. */
  async run(options: PromptOptions): Promise<void> {
    const { terminal, io } = options;
    this.#options = options;
    const editor = createInterface({ input: terminal.input, output: terminal.output, terminal: true, prompt: '> ' });
    this.#editor = editor;
    editor.on('line', (line) => this.#onLine(line));
    editor.on('SIGINT', () => this.#stop());
    editor.on('close', () => {
      this.#isClosed = true;
      this.#turn?.abort();
      this.#wake?.();
    });
    const removeListener = io.onStopSignal((signal) => (signal === 'SIGINT' ? this.#stop() : editor.close()));
    try {
      editor.prompt();
      for (let line = await this.#nextLine(); line !== null; line = await this.#nextLine()) {
        const text = line.trim();
        if (text === '/quit') break;
        if (text !== '') await this.#handle(text, options);
        if (!this.#isClosed) editor.prompt(true);
      }
    } finally {
      removeListener();
      editor.close();
      io.out.write('\n');
    }
  }

  async #handle(text: string, options: PromptOptions): Promise<void> {
    const { io, view, conversation } = options;
    this.#turn = new AbortController();
    const { signal } = this.#turn;
    const sayStopped = () => io.out.write(`${dim('Stopped.', view.colour)}\n`);
    try {
      if (text.startsWith('/')) await runChatCommand(text, options, signal);
      else if (!(await showAnswer(conversation, text, view, signal))) sayStopped();
    } catch (error) {
      if (signal.aborted) sayStopped();
      else io.err.write(`${options.describe(error)}\n`);
    } finally {
      this.#turn = null;
    }
  }

  #onLine(line: string): void {
    this.#stoppedOnce = false;
    const [, steer] = /^\/steer\s+(.+)$/.exec(line.trim()) ?? [];
    if (this.#question) this.#question(line);
    else if (steer === undefined || !this.#options?.conversation.steer(steer)) {
      this.#lines.push(line);
      this.#wake?.();
    }
  }

  /** Null when the person has ended it. */
  async #nextLine(): Promise<string | null> {
    while (this.#lines.length === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#isClosed ? null : (this.#lines.shift() ?? null);
  }

  /** Ctrl-C: stops the answer; without one, or a second time, the conversation. */
  #stop(): void {
    if (this.#stoppedOnce) return this.#editor?.close();
    this.#stoppedOnce = true;
    const { conversation, io, view } = this.#options ?? {};
    if (this.#turn && conversation?.isRunning) return conversation.cancel();
    if (this.#turn) return this.#turn.abort();
    this.#editor?.write(null, { ctrl: true, name: 'u' });
    io?.out.write(`\n${dim('Ctrl-C again ends the conversation.', view?.colour ?? false)}\n`);
    this.#editor?.prompt();
  }
}

/** Asks and shows the answer. False where it was cancelled. Throws what `Conversation.ask` throws, after ending the line. */
export async function showAnswer(
  conversation: Conversation,
  text: string,
  options: ViewOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const view = new TurnView(options);
  const events = conversation.ask(text, signal);
  try {
    for (;;) {
      const next = await events.next();
      if (next.done) return next.value !== null && next.value.stop !== 'cancelled';
      view.show(next.value);
    }
  } finally {
    view.end();
  }
}
