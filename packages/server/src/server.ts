/** The composition root: the only file that knows every layer, and the only one that names concrete engines and stores. */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createId } from '@longwire/protocol';
import { createKeyring } from './auth/keys.ts';
import { Conversations } from './chain/conversations.ts';
import { RecentNodes } from './chain/recent.ts';
import { Sealer } from './compaction/sealer.ts';
import { SealingKeys } from './compaction/sealing-keys.ts';
import type { Config } from './config/config.ts';
import type { Engine, EngineModel } from './engine/engine.ts';
import { Router } from './engine/router.ts';
import { openEngines } from './engines.ts';
import { createMetrics, openScrapes } from './metrics.ts';
import { createExtensionCounts, type ExtensionCounts } from './observe/extension-counts.ts';
import type { Log } from './observe/log.ts';
import { createSocketCounts, type SocketCounts } from './observe/snapshot.ts';
import type { StoreMeter } from './observe/store-meter.ts';
import { createMemoryStore } from './store/memory/memory.ts';
import { openSqliteStore } from './store/sqlite/sqlite.ts';
import { Retention } from './store/retention.ts';
import type { Store } from './store/store.ts';
import { createHttpServer } from './transport/http.ts';
import { Resumables, type ResumeLimits } from './transport/resumables.ts';
import { Sessions } from './transport/sessions.ts';
import { attachUpgrade } from './transport/upgrade.ts';
import type { SessionOptions } from './transport/websocket.ts';
import { BackgroundRuns } from './turn/background.ts';
import { KeyedTurns, type KeyedTurnLimits } from './turn/keyed-turns.ts';
import type { TurnServices } from './turn/turn.ts';

/** A server that listens. */
export interface RunningServer {
  /** Base URL of the API, such as `http://127.0.0.1:8787/v1`. */
  readonly url: string;
  /** The models that answered at the start. */
  readonly models: readonly EngineModel[];
  readonly counts: Readonly<ExtensionCounts>;
  /** Such as `http://127.0.0.1:9464/metrics`; null where none were asked for. */
  readonly metricsUrl: string | null;
  /** Takes no new work, lets running turns end (at most `drainTimeoutMs`), then closes. */
  drain(): Promise<void>;
  /** Takes over the API keys of a new configuration: requests with a key that is gone are refused, on open sockets too. */
  reload(config: Pick<Config, 'apiKeys'>): void;
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

/** A process that is silent for so long is gone. */
const backgroundLeaseMs = 15_000;
/** For how long a background response can be streamed again. */
const eventsKeptSeconds = 3600;
const daySeconds = 86_400;

/** Opens the store and the engines, and listens. Throws what they throw: an unreadable model, a locked file, a taken port. */
export async function startServer(config: Config, log: Log, parts: ServerParts = {}): Promise<RunningServer> {
  const metrics = await createMetrics(config);
  const store = parts.store === undefined ? await openStore(config, metrics?.store ?? null) : parts.store;
  const router = new Router(parts.engines ?? (await openEngines(config)));
  const counts = createExtensionCounts();
  const keyed = new KeyedTurns(toKeyedTurnLimits(config), { router, log }, counts);
  const services: TurnServices = {
    router,
    store,
    recent: new RecentNodes(recentNodes),
    conversations: store && !config.store.zeroRetention ? new Conversations(store, recentNodes) : null,
    owner: createId('proc'),
    log,
    now: Date.now,
    patience: config.timers,
    keyed,
    meter: metrics?.turns ?? null,
    sealer: new Sealer(
      new SealingKeys({
        given: config.sealingKeys.map((key) => key.reveal()),
        path: join(config.store.dataPath, 'sealing.keys'),
      }),
    ),
    zeroRetention: (project) => config.store.zeroRetention || config.store.zeroRetentionProjects.includes(project),
  };
  const background = new BackgroundRuns(services, {
    maxInFlight: config.limits.maxBackground,
    leaseMs: backgroundLeaseMs,
  });
  await background.beat();
  const retention = store && startRetention(store, config, log);
  const keyring = createKeyring(config.apiKeys);
  const resumables = new Resumables(toResumeLimits(config), keyring, log, counts);
  const sessions = new Sessions(config.timers.pingIntervalMs, resumables);
  const socketCounts = createSocketCounts();
  const house = {
    sessions,
    socketCounts,
    extensionCounts: counts,
    background,
    router,
    storePath: config.store.kind === 'sqlite' ? sqlitePath(config) : null,
  };
  const scrapes = await openScrapes(config, metrics, house, log);
  let draining = false;
  const isDraining = () => draining;

  const app = createHttpServer({
    services,
    background,
    keyring,
    maxBodyBytes: config.limits.maxFrameBytes,
    allowedOrigins: config.listen.allowedOrigins,
    isDraining,
  });
  attachUpgrade(app.server, {
    services,
    keyring,
    sessions,
    resumables,
    enabled: config.listen.websocket,
    allowedOrigins: config.listen.allowedOrigins,
    subprotocolKeys: config.listen.subprotocolKeys,
    limits: config.limits,
    session: toSessionOptions(config, socketCounts),
    isDraining,
  });
  await app.listen({ host: config.listen.host, port: config.listen.port });

  async function stop(deadline: AbortSignal): Promise<void> {
    draining = true;
    const closed = Promise.all([sessions.drain(deadline), background.close(deadline), keyed.close(), app.close()]);
    const cutRequests = () => app.server.closeAllConnections();
    if (deadline.aborted) cutRequests();
    else deadline.addEventListener('abort', cutRequests, { once: true });
    await closed;
    await scrapes?.close();
    await router.close();
    await retention?.close();
    await store?.close();
  }

  return {
    url: `http://${hostOf(config.listen.host)}:${(app.server.address() as AddressInfo).port}/v1`,
    models: await router.models(),
    counts,
    metricsUrl: scrapes?.url ?? null,
    drain: () => stop(AbortSignal.timeout(config.timers.drainTimeoutMs)),
    reload: ({ apiKeys }) => keyring.replace(apiKeys),
    close: () => stop(AbortSignal.abort()),
  };
}

function startRetention(
  store: Store,
  { store: { retentionDays, maxResponses, maxBytes } }: Config,
  log: Log,
): Retention {
  const retention = new Retention(store, {
    keptSeconds: retentionDays * daySeconds,
    eventsKeptSeconds,
    maxResponses,
    maxBytes,
    now: Date.now,
    onError: (error) => log.warn({ error }, 'The store could not be tidied up.'),
  });
  void retention.run();
  return retention;
}

async function openStore(config: Config, meter: StoreMeter | null): Promise<Store | null> {
  switch (config.store.kind) {
    case 'sqlite':
      return openSqliteStore(sqlitePath(config), { meter });
    case 'memory':
      return createMemoryStore(meter);
    case 'off':
      return null;
  }
}

function sqlitePath({ store }: Config): string {
  return join(store.dataPath, 'longwire.sqlite');
}

function toSessionOptions({ limits, timers }: Config, counts: SocketCounts): SessionOptions {
  const { pingIntervalMs, deadPeerMs, connectionLifetimeMs, connectionGraceMs, slowReaderMs } = timers;
  return {
    maxFrameBytes: limits.maxFrameBytes,
    counts,
    outbox: { limitBytes: limits.outboundLimitBytes, deadlineMs: slowReaderMs },
    lifetime: { pingIntervalMs, deadPeerMs, lifetimeMs: connectionLifetimeMs, graceMs: connectionGraceMs },
    now: () => performance.now(),
    random: Math.random,
  };
}

function toResumeLimits({ limits, timers }: Config): ResumeLimits {
  return {
    graceMs: timers.resumeGraceMs,
    bufferBytes: limits.resumeBufferBytes,
    memoryBytes: limits.resumeMemoryBytes,
    maxDetached: limits.resumeMaxDetached,
    idempotency: timers.idempotencyWindowMs > 0,
    now: () => performance.now(),
  };
}

function toKeyedTurnLimits({ limits, timers }: Config): KeyedTurnLimits {
  return {
    windowMs: timers.idempotencyWindowMs,
    graceMs: timers.resumeGraceMs,
    bufferBytes: limits.idempotencyBufferBytes,
    memoryBytes: limits.idempotencyMemoryBytes,
    now: Date.now,
  };
}

function hostOf(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
