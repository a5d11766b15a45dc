/** A program that a check starts, reads line by line, and never leaves behind. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** How to start it. */
export interface ProgramOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly folder: string;
  /** The whole environment: nothing of the person's own gets in by accident. */
  readonly env: NodeJS.ProcessEnv;
  /** Ends it. */
  readonly signal: AbortSignal;
}

const killGraceMs = 3000;

/** A running program. Dispose it to end it, with all that it has started in its process group. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #wakes = new Set<() => void>();
  readonly out: string[] = [];
  readonly err: string[] = [];
  #reading = 2;

  constructor({ command, args, folder, env, signal }: ProgramOptions) {
    this.#child = spawn(command, args, { cwd: folder, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#ended = once(this.#child, 'exit').then(
      () => this.#wake(),
      (error: unknown) => {
        this.err.push(String(error));
        this.#wake();
      },
    );
    this.#child.stdin?.on('error', () => {});
    for (const name of ['stdout', 'stderr'] as const) {
      const stream = this.#child[name];
      if (!stream) continue;
      const lines = name === 'stdout' ? this.out : this.err;
      createInterface({ input: stream })
        .on('line', (line) => {
          lines.push(line);
          this.#wake();
        })
        .on('close', () => {
          this.#reading -= 1;
          this.#wake();
        });
    }
    signal.addEventListener('abort', () => this.#kill('SIGKILL'), { once: true });
  }

  write(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Tells the program alone, not what it has started. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  closeInput(): void {
    this.#child.stdin?.end();
  }

  /** The first value that `find` returns, asked again after every line. Null when the program ended or the time is up. */
  async until<T>(find: () => T | null | undefined, timeoutMs: number): Promise<T | null> {
    const timeUp = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const found = find();
      if (found !== null && found !== undefined) return found;
      if (timeUp.aborted || (this.#reading === 0 && this.#exited)) return null;
      await new Promise<void>((resolve) => {
        const wake = () => {
          timeUp.removeEventListener('abort', wake);
          this.#wakes.delete(wake);
          resolve();
        };
        this.#wakes.add(wake);
        timeUp.addEventListener('abort', wake);
      });
    }
  }

  /** Its exit code, once all it wrote was read; null when the time is up or a signal ended it. */
  async exitCode(timeoutMs: number): Promise<number | null> {
    await this.until(() => null, timeoutMs);
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#exited) return;
    this.#kill('SIGTERM');
    const timer = setTimeout(() => this.#kill('SIGKILL'), killGraceMs);
    await this.#ended;
    clearTimeout(timer);
  }

  get #exited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined;
  }

  /** Its group is its own, so this reaches what it has started and nothing else. */
  #kill(name: NodeJS.Signals): void {
    if (this.#exited || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, name);
    } catch {
      this.#child.kill(name);
    }
  }

  #wake(): void {
    for (const wake of this.#wakes) wake();
  }
}
