/** Servers under measurement, each in a process of its own. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A server that runs, and when it first answered. */
export interface Child extends AsyncDisposable {
  readonly url: string;
  /** From the start of the process to its first line with a URL, in milliseconds. */
  readonly startMs: number;
}

/** Starts a script with this Node and waits for the first URL that it prints. */
export async function startChild(script: string, args: readonly string[] = []): Promise<Child> {
  const startedAt = performance.now();
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /https?:\/\/[\w.:[\]]+(\/v1)?/.exec(line)?.[0];
    if (url === undefined) continue;
    const startMs = performance.now() - startedAt;
    child.stdout.resume();
    return {
      url,
      startMs,
      async [Symbol.asyncDispose]() {
        child.kill('SIGTERM');
        await exited;
      },
    };
  }
  await exited;
  throw new Error(`${script} ended before it printed a URL.`);
}
