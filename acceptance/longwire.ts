/** The server under test, as people start it, and what its log says. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program } from './program.ts';
import { renderWorkload } from './workload.ts';

/** The program that people start. */
export const longwireProgram = fileURLToPath(new URL('../packages/server/bin/longwire.mjs', import.meta.url));
const startTimeoutMs = 60_000;
const logTimeoutMs = 5000;
const stopTimeoutMs = 60_000;

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
  /** Tells it to stop, as a supervisor does; its exit code. */
  stop(): Promise<number | null>;
  /** Warnings and errors of its log, and whatever else it wrote there, since the last call. */
  newComplaints(): string[];
}

/** How a server is started. */
export interface LongwireOptions {
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Flags of `longwire serve` beyond those that every server of the checks gets. */
  readonly flags?: readonly string[];
  /** What the scripted model plays. */
  readonly workload?: string;
  /** Base URL of a chat-completions server to stand in front of, in place of the scripted model. */
  readonly upstream?: string;
  /** A port that an earlier server had. */
  readonly port?: number;
}

/** Starts a server. Throws with its output when it does not start. */
export async function startLongwire(options: LongwireOptions): Promise<Longwire> {
  const { folder, signal, flags = [], workload = renderWorkload(), upstream, port = 0 } = options;
  const workloadPath = join(folder, 'workload.jsonl');
  writeFileSync(workloadPath, workload);
  const env = { PATH: process.env['PATH'], HOME: folder, [keyVariable]: key };
  const engine = upstream === undefined ? ['--scripted', workloadPath] : ['--upstream', upstream];
  const log = ['--log-level', 'debug', '--log-format', 'json'];
  const access = ['--port', String(port), '--api-key', `acceptance=env:${keyVariable}`, '--data', join(folder, 'data')];
  const server = new Program({
    command: process.execPath,
    args: [longwireProgram, 'serve', ...engine, ...access, ...log, ...flags],
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
    stop() {
      server.signal('SIGTERM');
      return server.exitCode(stopTimeoutMs);
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
