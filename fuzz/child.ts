/** Starts the server under fire and watches over it. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Memory after a garbage collection, in bytes. */
export interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
}

/** The process of the server. */
export class Child implements AsyncDisposable {
  readonly url: string;
  /** The last lines of its log and of its standard error. */
  readonly lines: string[] = [];
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(process: ChildProcess, url: string, folder: string) {
    this.#process = process;
    this.#folder = folder;
    this.url = url;
    for (const stream of [process.stdout, process.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        if (this.lines.length > 50) this.lines.shift();
      });
    }
  }

  static async start(): Promise<Child> {
    const path = fileURLToPath(new URL('target.ts', import.meta.url));
    const folder = await mkdtemp(join(tmpdir(), 'longwire-fuzz-'));
    const child = fork(path, [folder], { execArgv: ['--expose-gc'], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    const [{ url }] = (await once(child, 'message')) as [{ url: string }];
    return new Child(child, url, folder);
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  async memory(): Promise<Memory> {
    const answer = once(this.#process, 'message');
    this.#process.send('memory');
    const [memory] = (await answer) as [Memory];
    return memory;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isAlive) {
      const exited = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await exited;
    }
    await rm(this.#folder, { recursive: true });
  }
}
