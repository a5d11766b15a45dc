/** Processes of a run: servers under measurement, floors, the engine. Each prints its URL when it is ready. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A server that runs, and when it first answered. */
export interface Child extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** From the start of the process to its first line with a URL, in milliseconds. */
  readonly startMs: number;
  /** What the process holds after a collection. Throws for one that was not started to tell it. */
  memory(): Promise<Memory>;
}

/** Bytes of a process after a collection. */
export interface Memory {
  /** As the system sees it, with the nursery of V8 and the holes of the allocator. */
  readonly resident: number;
  /** Objects that are alive, and buffers outside the heap. */
  readonly alive: number;
}

/** How to start one. */
export interface ChildOptions {
  readonly args?: readonly string[];
  readonly nodeFlags?: readonly string[];
  /** Words before node's own: `ip netns exec …`, `valgrind …`. They must end as the process does. */
  readonly wrapper?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it will be asked for its memory. */
  readonly tellsMemory?: boolean;
}

/** Starts a script of this folder with this Node and waits for the first URL that it prints. */
export async function startChild(script: string, options: ChildOptions = {}): Promise<Child> {
  const { args = [], wrapper = [], env = {}, tellsMemory = false } = options;
  const nodeFlags = [...(options.nodeFlags ?? []), ...(tellsMemory ? ['--expose-gc'] : [])];
  const startedAt = performance.now();
  const path = fileURLToPath(new URL(script, import.meta.url));
  const [command = process.execPath, ...rest] = [...wrapper, process.execPath, ...nodeFlags, path, ...args];
  const child = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'inherit', ...(tellsMemory ? (['ipc'] as const) : [])],
    env: { ...process.env, ...env },
  });
  const { stdout } = child;
  if (!stdout) throw new Error(`${script} has no output.`);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = (): boolean => child.kill('SIGTERM');
  // A benchmark that is cut short leaves nothing behind.
  process.once('exit', stop);
  for await (const line of createInterface({ input: stdout })) {
    const url = /https?:\/\/[\w.:[\]]+(\/v1)?/.exec(line)?.[0];
    if (url === undefined) continue;
    stdout.resume();
    return {
      url,
      pid: child.pid ?? 0,
      startMs: performance.now() - startedAt,
      async memory() {
        if (!tellsMemory) throw new Error(`${script} was not started to tell its memory.`);
        child.send('memory');
        const [memory] = (await once(child, 'message')) as [Memory];
        return memory;
      },
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
