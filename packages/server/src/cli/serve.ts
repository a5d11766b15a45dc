/** `longwire serve`: the server, until a signal ends it. */
import { loadConfig } from '../config/config.ts';
import type { Config } from '../config/config.ts';
import { createLog } from '../observe/log.ts';
import type { Log } from '../observe/log.ts';
import type { RunningServer } from '../server.ts';
import { renderBanner } from './banner.ts';
import type { Command } from './command.ts';
import { configOptionsHelp } from './help.ts';
import type { Io } from './io.ts';

/** Starts a server; throws when it cannot. */
export type StartServer = (config: Config, log: Log) => Promise<RunningServer>;

/** What a drain may take beyond its own time limit, before the process ends without it. */
const drainGraceMs = 5000;

/** The command over any server. `load` is called after the configuration was found good. */
export function createServeCommand(load: () => Promise<StartServer>): Command {
  return {
    name: 'serve',
    summary: 'start the server',
    examples: [
      { line: 'longwire serve', about: 'the built-in demo model on http://127.0.0.1:8787/v1' },
      { line: 'longwire serve --model ./qwen3-8b.gguf', about: 'your own model, run in this process' },
      { line: 'longwire serve --upstream http://127.0.0.1:8080/v1', about: 'in front of llama-server, vLLM, SGLang…' },
      {
        line: 'longwire serve --upstream groq=https://api.groq.com/openai/v1 --upstream-api-key groq=env:GROQ_API_KEY',
        about: 'in front of a hosted provider, its key taken from the environment',
      },
      {
        line: 'longwire serve --host 0.0.0.0 --api-key team=env:TEAM_KEY',
        about: 'for other machines, which then need the key',
      },
      { line: 'longwire serve --config longwire.yaml', about: 'everything from a file' },
    ],
    optionsHelp: configOptionsHelp,

    async run(argv, env, io) {
      const config = loadConfig(argv, env, io.readFile);
      const log = createLog({ ...config.log, destination: io.err, colour: io.err.isTerminal });
      const startServer = await load();
      const server = await startServer(config, log).catch((error: unknown) => {
        log.debug({ error }, 'start failed');
        throw toStartError(error, config);
      });
      announce(server, config, io, log);
      const stopReloading = io.onReload(() => reloadKeys(server, () => loadConfig(argv, env, io.readFile), log));
      return await runUntilStopped(server, config.timers.drainTimeoutMs, io, log).finally(stopReloading);
    },
  };
}

/** `longwire serve`. The server and its engines are loaded only when they are needed: `--help` is quick. */
export const serve = createServeCommand(async () => (await import('../server.ts')).startServer);

function announce(server: RunningServer, config: Config, io: Io, log: Log): void {
  const { url, models, metricsUrl } = server;
  const startedInMs = Math.round(io.elapsedMs());
  // Who asks for JSON reads lines with a machine.
  if (config.log.format === 'json')
    log.info({ url, models: models.map(({ id }) => id), metricsUrl, startedInMs }, 'listening');
  else io.out.write(renderBanner({ url, models, metricsUrl, config, startedInMs }));
}

/** Takes over the API keys that the configuration names now; with a configuration that is not good, those of before stay. */
function reloadKeys(server: RunningServer, load: () => Config, log: Log): void {
  try {
    const config = load();
    server.reload(config);
    log.info({ keys: config.apiKeys.length }, 'API keys were read again');
  } catch (error) {
    log.error({ error }, 'API keys stay as they were: the configuration is not good');
  }
}

/** Resolves with the exit code: 0 once drained; else when the drain hangs, or at once at a second signal. */
function runUntilStopped(server: RunningServer, drainTimeoutMs: number, io: Io, log: Log): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  let deadline: NodeJS.Timeout | null = null;

  const removeListener = io.onStopSignal((signal) => {
    if (deadline !== null) {
      log.warn({ signal }, 'stopping at once');
      resolve(signal === 'SIGINT' ? 130 : 143);
      return;
    }
    log.info({ signal, drainTimeoutMs }, 'finishing running turns; a second signal stops at once');
    deadline = setTimeout(() => {
      log.error('the server did not stop in time');
      resolve(1);
    }, drainTimeoutMs + drainGraceMs);
    server.drain().then(
      () => resolve(0),
      (error: unknown) => {
        log.error({ error }, 'stopping failed');
        resolve(1);
      },
    );
  });

  return promise.finally(() => {
    removeListener();
    if (deadline !== null) clearTimeout(deadline);
  });
}

/** What commonly keeps a server from starting, as a sentence that says what to do. */
function toStartError(error: unknown, { listen }: Config): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  switch (code) {
    case 'EADDRINUSE':
      return new Error(
        `Port ${listen.port} on ${listen.host} is taken: choose another with --port, or 0 for a free one.`,
      );
    case 'EACCES':
      return new Error(
        `Port ${listen.port} on ${listen.host} is not for this user: choose one above 1023 with --port.`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new Error(`${listen.host} is no address of this machine: choose another with --host.`);
    default:
      return error;
  }
}
