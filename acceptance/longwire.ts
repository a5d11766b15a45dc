/** The server under test, as people start it, and what its log says. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program } from './program.ts';
import { renderWorkload } from './workload.ts';

const program = fileURLToPath(new URL('../packages/server/bin/longwire.mjs', import.meta.url));
const startTimeoutMs = 60_000;
const logTimeoutMs = 5000;

/** The variable that holds the key, for the server and for Codex. */
export const keyVariable = 'ACCEPTANCE_KEY';
const key = 'acceptance-key-of-one-run';

/** One line of the log at `--log-level debug`: a turn that has ended. */
export interface LoggedTurn {
  readonly transport: string;
  /** Items that the request brought. */
  readonly newItems: number;
  readonly status: string;
}

/** A server that listens. */
export interface Longwire extends AsyncDisposable {
  readonly baseUrl: string;
  readonly model: string;
  /** Environment for clients: holds the key. */
  readonly env: NodeJS.ProcessEnv;
  /** Turns that have ended since the last call. The log comes through a pipe: waits a little for as many as are expected. */
  newTurns(expected: number): Promise<LoggedTurn[]>;
  /** Warnings and errors of its log, and whatever else it wrote there, since the last call. */
  newComplaints(): string[];
}

/** Starts a server in `folder` with a scripted model, or with the engine that `flags` name. Throws with its output when it does not start. */
export async function startLongwire(
  folder: string,
  signal: AbortSignal,
  flags: readonly string[] = [],
): Promise<Longwire> {
  const workload = join(folder, 'workload.jsonl');
  writeFileSync(workload, renderWorkload());
  const env = { PATH: process.env['PATH'], HOME: folder, [keyVariable]: key };
  const engine = flags.length > 0 ? flags : ['--scripted', workload];
  const log = ['--log-level', 'debug', '--log-format', 'json'];
  const access = ['--port', '0', '--api-key', `acceptance=env:${keyVariable}`, '--data', join(folder, 'data')];
  const server = new Program({
    command: process.execPath,
    args: [program, 'serve', ...engine, ...access, ...log],
    folder,
    env,
    signal,
  });
  const entries = () => server.err.flatMap(toEntry);
  const listening = await server.until(() => entries().find(({ message }) => message === 'listening'), startTimeoutMs);
  if (!listening) {
    await server[Symbol.asyncDispose]();
    throw new Error(`The server did not start:\n${server.err.join('\n')}`);
  }
  const turns = () => entries().filter(({ message }) => message === 'turn');
  let readTurns = 0;
  let readLines = 0;
  return {
    baseUrl: String(listening['url']),
    model: String((listening['models'] as readonly unknown[])[0]),
    env: { [keyVariable]: key },
    async newTurns(expected) {
      await server.until(() => turns().length >= readTurns + expected || null, logTimeoutMs);
      const fresh = turns().slice(readTurns);
      readTurns += fresh.length;
      return fresh as unknown as LoggedTurn[];
    },
    newComplaints() {
      const lines = server.err.slice(readLines);
      readLines = server.err.length;
      return lines.filter((line) => !/"level":"(trace|debug|info)"/.test(line));
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function toEntry(line: string): Record<string, unknown>[] {
  try {
    return [JSON.parse(line) as Record<string, unknown>];
  } catch {
    return [];
  }
}
