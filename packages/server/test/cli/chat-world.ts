/** A terminal without a person: a test types at it and waits for what it shows. */
import { PassThrough } from 'node:stream';
import { createChatCommand } from '../../src/cli/chat.ts';
import type { Io, Sink } from '../../src/cli/io.ts';
import { createTestIo } from './world.ts';

/** How the terminal is. */
export interface ChatWorldOptions {
  readonly isInteractive?: boolean;
  readonly env?: NodeJS.ProcessEnv;
  /** What the clock says, one reading after the other; the last one stays. */
  readonly clockMs?: readonly number[];
}

/** A sink that can be waited for. */
class Screen implements Sink {
  readonly isTerminal: boolean;
  text = '';
  #seen = 0;
  #wake: (() => void) | null = null;

  constructor(isTerminal: boolean) {
    this.isTerminal = isTerminal;
  }

  write(text: string): void {
    this.text += text;
    this.#wake?.();
  }

  /** What was written up to and with `text`, from where the last wait ended. */
  async until(text: string): Promise<string> {
    for (;;) {
      const at = this.text.indexOf(text, this.#seen);
      if (at >= 0) {
        const from = this.#seen;
        this.#seen = at + text.length;
        return this.text.slice(from, this.#seen);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Runs `longwire chat` with a terminal of its own. */
export function startChat(argv: readonly string[], options: ChatWorldOptions = {}) {
  const { isInteractive = true, env = {}, clockMs = [0] } = options;
  const world = createTestIo();
  const input = new PassThrough();
  const [out, err] = [new Screen(isInteractive), new Screen(isInteractive)];
  const echo = new PassThrough();
  // The editor's echo is shown where the answers are.
  echo.on('data', (data: Buffer) => out.write(data.toString()));
  const clock = [...clockMs];
  const io: Io = {
    ...world.io,
    out,
    err,
    elapsedMs: () => (clock.length > 1 ? (clock.shift() ?? 0) : (clock[0] ?? 0)),
  };
  const command = createChatCommand(() => ({ input, output: echo, isInteractive }));
  const exit = command.run(argv, env, io);
  return {
    exit,
    out,
    err,
    send: world.send,
    signals: world.signals,
    /** Types a line and Enter. */
    say: (line: string) => void input.write(`${line}\r`),
    /** Types keys without Enter. */
    press: (keys: string) => void input.write(keys),
    /** Pipes a text in and closes the pipe. */
    pipe: (text: string) => void input.end(text),
  };
}

export const ctrlC = '\u0003';
export const ctrlD = '\u0004';
