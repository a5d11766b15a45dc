/** The tool `shell` of `longwire chat`: one command, with a limit on its time and on its words. */
import { spawn } from 'node:child_process';
import { tool } from '@longwire/client';
import type { RunnableTool } from '@longwire/client';

/** Of a command. */
export interface ShellLimits {
  readonly timeoutMs: number;
  readonly maxOutputBytes: number;
}

const usual: ShellLimits = { timeoutMs: 120_000, maxOutputBytes: 32 * 1024 };

/** All that a command sees of the environment: no keys. */
const passedOn = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'USER'];

/** The tool. Commands begin in the folder, but may go wherever the user may: each should be asked for. */
export function createShellTool(folder: string, env: NodeJS.ProcessEnv, limits: ShellLimits = usual): RunnableTool {
  return tool({
    name: 'shell',
    description: `Run a command with sh; it may take ${limits.timeoutMs / 1000} s and has no input`,
    parameters: { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] },
    run: ({ command }, { signal }) => runCommand(command, folder, env, limits, signal),
  });
}

async function runCommand(
  command: string,
  folder: string,
  env: NodeJS.ProcessEnv,
  { timeoutMs, maxOutputBytes }: ShellLimits,
  signal: AbortSignal,
): Promise<string> {
  const child = spawn('/bin/sh', ['-c', command], {
    cwd: folder,
    env: Object.fromEntries(passedOn.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that what it starts ends with it.
    detached: true,
  });
  const chunks: Buffer[] = [];
  let [bytes, ending] = [0, ''];
  const keep = (chunk: Buffer) => {
    const room = Math.max(0, maxOutputBytes - bytes);
    bytes += chunk.length;
    if (room > 0) chunks.push(chunk.subarray(0, room));
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const kill = () => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // The group has ended.
    }
  };
  const timer = setTimeout(() => {
    ending = `(stopped after ${timeoutMs / 1000} s)`;
    kill();
  }, timeoutMs);
  signal.addEventListener('abort', kill, { once: true });
  try {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.on('error', reject);
    child.on('exit', (code, by) => {
      ending ||= code === 0 ? '' : `(exit code ${code ?? by})`;
      // What it left running holds its output open.
      kill();
    });
    child.on('close', () => resolve());
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
  }
  const left = bytes > maxOutputBytes ? `(${bytes - maxOutputBytes} more bytes)` : '';
  const said = Buffer.concat(chunks).toString('utf8').trimEnd();
  return [said, left, ending].filter((part) => part !== '').join('\n') || '(no output)';
}
