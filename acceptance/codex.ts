/** The unmodified Codex CLI, installed on demand and run in a folder of its own. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keyVariable } from './longwire.ts';
import type { Longwire } from './longwire.ts';
import { Program } from './program.ts';
import { runsFile } from './workload.ts';

/** The version that the checks were made for. */
export const codexVersion = '0.169.0';

const installFolder = fileURLToPath(new URL('../.acceptance/codex', import.meta.url));
const runTimeoutMs = 120_000;

/** Installs Codex unless it is there. Throws when npm cannot. */
export function installCodex(say: (line: string) => void): void {
  if (installedVersion() === codexVersion) return;
  say(`Installing @openai/codex ${codexVersion} into .acceptance/codex: about 400 MB, once.`);
  mkdirSync(installFolder, { recursive: true });
  const { status, error } = spawnSync(
    'npm',
    ['install', '--prefix', installFolder, '--no-audit', '--no-fund', `@openai/codex@${codexVersion}`],
    { cwd: installFolder, stdio: 'inherit' },
  );
  if (status !== 0) throw new Error('npm could not install Codex.', { cause: error });
}

function installedVersion(): string | null {
  try {
    const path = join(installFolder, 'node_modules', '@openai', 'codex', 'package.json');
    return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
  } catch {
    return null;
  }
}

/** One line of `codex exec --json`. */
export interface CodexEvent {
  readonly type: string;
  readonly message?: string;
  readonly item?: {
    readonly type: string;
    readonly text?: string;
    readonly aggregated_output?: string;
    readonly exit_code?: number | null;
    readonly message?: string;
  };
}

/** What one run of Codex did. */
export interface CodexRun {
  readonly exitCode: number | null;
  readonly events: readonly CodexEvent[];
  /** All that it printed. */
  readonly text: string;
  /** Tool outputs that it sent to the server, from its own record of the session. */
  readonly toolOutputs: readonly string[];
}

/** How Codex is configured. */
export interface CodexOptions {
  readonly transport?: 'websocket' | 'http';
  /** In place of the server's own model. */
  readonly model?: string;
  /**
   * How often a stream is tried again (Codex' own default: 5). With 0 the first fault of the socket makes Codex say that it
   * falls back, where it would try again in silence.
   */
  readonly streamMaxRetries?: number;
  readonly streamIdleTimeoutMs?: number;
}

/** Where Codex finds its server. */
export type Endpoint = Pick<Longwire, 'baseUrl' | 'model' | 'env'>;

/** Codex with its own configuration, which knows one server. */
export class Codex {
  readonly #home: string;
  readonly #work: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #signal: AbortSignal;

  constructor(folder: string, server: Endpoint, options: CodexOptions, signal: AbortSignal) {
    this.#home = join(folder, 'codex-home');
    this.#work = join(folder, 'project');
    this.#signal = signal;
    mkdirSync(this.#home, { recursive: true });
    mkdirSync(this.#work, { recursive: true });
    writeFileSync(join(this.#home, 'config.toml'), renderConfig(server, options));
    this.#env = { PATH: process.env['PATH'], HOME: this.#home, CODEX_HOME: this.#home, ...server.env };
  }

  /** `codex exec PROMPT`, with leave to run commands. */
  async exec(prompt: string): Promise<CodexRun> {
    const flags = ['--json', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox'];
    await using program = this.start(['exec', ...flags, prompt]);
    program.closeInput();
    const exitCode = await program.exitCode(runTimeoutMs);
    const events = program.out.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as CodexEvent] : []));
    return { exitCode, events, text: [...program.out, ...program.err].join('\n'), toolOutputs: this.toolOutputs() };
  }

  /** Any command of Codex. */
  start(args: readonly string[]): Program {
    return new Program({
      command: process.execPath,
      args: [join(installFolder, 'node_modules', '@openai', 'codex', 'bin', 'codex.js'), ...args],
      folder: this.#work,
      env: this.#env,
      signal: this.#signal,
    });
  }

  get workFolder(): string {
    return this.#work;
  }

  /** How often the model's command has run. */
  commandRuns(): number {
    const path = join(this.#work, runsFile);
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').length : 0;
  }

  /** Codex writes every item of a session down as it goes into the history. */
  toolOutputs(): string[] {
    const files = readdirSync(this.#home, { recursive: true, encoding: 'utf8' }).filter((path) =>
      /sessions.*\.jsonl$/.test(path),
    );
    return files.flatMap((path) =>
      readFileSync(join(this.#home, path), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .flatMap((line) => {
          const { payload } = JSON.parse(line) as { payload?: { type?: string; output?: unknown } };
          return payload?.type === 'function_call_output' ? [JSON.stringify(payload.output)] : [];
        }),
    );
  }
}

function renderConfig(server: Endpoint, options: CodexOptions): string {
  const { transport = 'websocket', model = server.model, streamMaxRetries = 0, streamIdleTimeoutMs } = options;
  // JSON strings are TOML strings.
  return [
    `model = ${JSON.stringify(model)}`,
    'model_provider = "longwire"',
    'check_for_update_on_startup = false',
    '',
    '[model_providers.longwire]',
    'name = "longwire"',
    `base_url = ${JSON.stringify(server.baseUrl)}`,
    'wire_api = "responses"',
    `env_key = ${JSON.stringify(keyVariable)}`,
    `supports_websockets = ${transport === 'websocket'}`,
    `stream_max_retries = ${streamMaxRetries}`,
    ...(streamIdleTimeoutMs === undefined ? [] : [`stream_idle_timeout_ms = ${streamIdleTimeoutMs}`]),
    'request_max_retries = 0',
    '',
    '[analytics]',
    'enabled = false',
    '',
  ].join('\n');
}
