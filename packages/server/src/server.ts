/** The composition root: the only file that knows every layer, and the only one that names concrete engines and stores. */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createKeyring } from './auth/keys.ts';
import { RecentNodes } from './chain/recent.ts';
import type { Config } from './config/config.ts';
import { demoModel } from './config/options.ts';
import type { Engine, EngineModel } from './engine/engine.ts';
import { tinyDemo } from './engine/llama/demo.ts';
import { createLlamaEngine } from './engine/llama/llama.ts';
import { createOpenAIChatEngine } from './engine/openai-chat/openai-chat.ts';
import { Router } from './engine/router.ts';
import { createScriptedEngine } from './engine/scripted/scripted.ts';
import { readWorkload } from './engine/scripted/workload.ts';
import type { Log } from './observe/log.ts';
import { createMemoryStore } from './store/memory/memory.ts';
import { openSqliteStore } from './store/sqlite/sqlite.ts';
import type { Store } from './store/store.ts';
import { createHttpServer } from './transport/http.ts';
import { Sessions } from './transport/sessions.ts';
import { attachUpgrade } from './transport/upgrade.ts';
import type { TurnServices } from './turn/turn.ts';

/** A server that listens. */
export interface RunningServer {
  /** Base URL of the API, such as `http://127.0.0.1:8787/v1`. */
  readonly url: string;
  /** The models that answered at the start. */
  readonly models: readonly EngineModel[];
  /** Takes no new work, lets running turns end (at most `drainTimeoutMs`), then closes. */
  drain(): Promise<void>;
  /** Stops at once. */
  close(): Promise<void>;
}

/** Parts that a test brings itself in place of those that the configuration names. */
export interface ServerParts {
  readonly engines?: readonly Engine[];
  readonly store?: Store | null;
}

/** Stored nodes kept in memory, so that continuations over HTTP stay warm. */
const recentNodes = 1000;

/** Opens the store and the engines, and listens. Throws what they throw: an unreadable model, a locked file, a taken port. */
export async function startServer(config: Config, log: Log, parts: ServerParts = {}): Promise<RunningServer> {
  const store = parts.store === undefined ? await openStore(config) : parts.store;
  const router = new Router(parts.engines ?? (await openEngines(config)));
  const services: TurnServices = {
    router,
    store,
    recent: new RecentNodes(recentNodes),
    log,
    now: Date.now,
    patience: config.timers,
    zeroRetention: config.store.zeroRetention,
  };
  const keyring = createKeyring(config.apiKeys);
  const { pingIntervalMs, deadPeerMs, drainTimeoutMs } = config.timers;
  const sessions = new Sessions({ pingIntervalMs, deadPeerMs, now: Date.now });
  let draining = false;
  const isDraining = () => draining;

  const app = createHttpServer({ services, keyring, log, maxBodyBytes: config.limits.maxFrameBytes, isDraining });
  attachUpgrade(app.server, {
    services,
    keyring,
    sessions,
    enabled: config.listen.websocket,
    allowedOrigins: config.listen.allowedOrigins,
    maxFrameBytes: config.limits.maxFrameBytes,
    limits: config.limits,
    outbox: { limitBytes: config.limits.outboundLimitBytes, deadlineMs: config.timers.slowReaderMs },
    isDraining,
  });
  await app.listen({ host: config.listen.host, port: config.listen.port });

  async function stop(deadline: AbortSignal): Promise<void> {
    draining = true;
    await Promise.all([sessions.drain(deadline), app.close()]);
    await router.close();
    await store?.close();
  }

  return {
    url: `http://${hostOf(config.listen.host)}:${(app.server.address() as AddressInfo).port}/v1`,
    models: await router.models(),
    drain: () => stop(AbortSignal.timeout(drainTimeoutMs)),
    close: () => stop(AbortSignal.abort()),
  };
}

async function openStore(config: Config): Promise<Store | null> {
  switch (config.store.kind) {
    case 'sqlite':
      return openSqliteStore(join(config.store.dataPath, 'longwire.sqlite'));
    case 'memory':
      return createMemoryStore();
    case 'off':
      return null;
  }
}

async function openEngines(config: Config): Promise<Engine[]> {
  const { models, upstreams, scripted } = config.engines;
  const engines: Engine[] = [];
  for (const model of models) {
    engines.push(await createLlamaEngine(model === demoModel ? tinyDemo : { modelPath: model }));
  }
  for (const { name, baseUrl, apiKey } of upstreams) {
    engines.push(createOpenAIChatEngine({ name, baseUrl, apiKey: apiKey?.reveal() ?? null }));
  }
  if (scripted) {
    engines.push(createScriptedEngine({ workload: readWorkload(scripted.workloadPath), rate: scripted.rate }));
  }
  return engines;
}

function hostOf(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
