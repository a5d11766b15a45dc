/** Processes of a run: servers under measurement, floors, the engine. Each prints its URL when it is ready. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A server that runs, and when it first answered. */
export interface Child extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** From the start of the process to its first line with a URL, in milliseconds. */
  readonly startMs: number;
}

/** How to start one. */
export interface ChildOptions {
  readonly args?: readonly string[];
  readonly nodeFlags?: readonly string[];
  /** Words before node's own: `ip netns exec …`, `valgrind …`. They must end as the process does. */
  readonly wrapper?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a script of this folder with this Node and waits for the first URL that it prints. */
export async function startChild(script: string, options: ChildOptions = {}): Promise<Child> {
  const { args = [], nodeFlags = [], wrapper = [], env = {} } = options;
  const startedAt = performance.now();
  const path = fileURLToPath(new URL(script, import.meta.url));
  const [command = process.execPath, ...rest] = [...wrapper, process.execPath, ...nodeFlags, path, ...args];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = (): boolean => child.kill('SIGTERM');
  // A benchmark that is cut short leaves nothing behind.
  process.once('exit', stop);
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /https?:\/\/[\w.:[\]]+(\/v1)?/.exec(line)?.[0];
    if (url === undefined) continue;
    child.stdout.resume();
    return {
      url,
      pid: child.pid ?? 0,
      startMs: performance.now() - startedAt,
      async [Symbol.asyncDispose]() {
        stop();
        await exited;
        process.off('exit', stop);
      },
    };
  }
  await exited;
  throw new Error(`${script} ended before it printed a URL.`);
}
