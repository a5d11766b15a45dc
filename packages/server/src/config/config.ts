/** Flags, environment and YAML as one checked configuration. */
import envPaths from 'env-paths';
import type { ApiKey } from '../auth/keys.ts';
import { isLoopback, toApiKeys, toListenAddress, toOrigin, toSealingKeys } from './endpoints.ts';
import { readConfigFile } from './file.ts';
import type { ReadFile } from './file.ts';
import { readEnvironment, readFlags } from './flags.ts';
import { demoModel, optionNames, optionOf } from './options.ts';
import type { OptionValues } from './options.ts';
import type { Secret } from './secret.ts';
import { toUpstreams } from './upstreams.ts';
import type { Provider, Upstream } from './upstreams.ts';
import { UsageError } from './usage-error.ts';
import { parseValue } from './values.ts';
import type { RawValues } from './values.ts';

export type { Provider, Upstream } from './upstreams.ts';

/** A workload to replay. */
export interface Scripted {
  /** Absolute path, or the name of a rollout that comes along (`rolloutNames`). */
  readonly workload: string;
  /** Tokens a second, or all at once. */
  readonly rate: number | 'instant';
}

/** Everything that a running server needs to know. */
export interface Config {
  readonly listen: {
    readonly host: string;
    /** 0 takes a free one. */
    readonly port: number;
    readonly websocket: boolean;
    /** `*` allows every origin. */
    readonly allowedOrigins: readonly string[];
    /** Whether a subprotocol may hold the key of a socket. */
    readonly subprotocolKeys: boolean;
  };
  readonly metrics: {
    /** Null: nowhere, and no turn is measured. */
    readonly listen: { readonly host: string; readonly port: number } | null;
    /** Whether they name projects. */
    readonly byProject: boolean;
  };
  /** At least one engine is named: without any, `models` holds the demo model. */
  readonly engines: {
    /** Absolute paths of GGUF files, or the word `demo` (`demoModel` in options.ts). */
    readonly models: readonly string[];
    /** How models run in this process. */
    readonly embedded: {
      /** Null: a fresh one for each answer. */
      readonly seed: number | null;
      /** 0: none. */
      readonly spillBudgetBytes: number;
    };
    readonly upstreams: readonly Upstream[];
    readonly providers: readonly Provider[];
    readonly scripted: Scripted | null;
  };
  /** Hashed already. Empty: no key is needed, and the host is loopback. */
  readonly apiKeys: readonly ApiKey[];
  /** In base64, 32 bytes each; the first seals. Empty: the data folder holds one. */
  readonly sealingKeys: readonly Secret[];
  readonly store: {
    readonly kind: OptionValues['store'];
    /** Absolute. */
    readonly dataPath: string;
    /** Every request counts as `store:false`. */
    readonly zeroRetention: boolean;
    /** Projects whose every request counts as `store:false`. */
    readonly zeroRetentionProjects: readonly string[];
    readonly retentionDays: number;
    readonly maxResponses: number;
    readonly maxBytes: number;
  };
  readonly limits: {
    readonly maxFrameBytes: number;
    readonly outboundLimitBytes: number;
    readonly maxLanes: number;
    readonly maxInFlight: number;
    readonly maxQueued: number;
    readonly maxPendingSteers: number;
    readonly maxBackground: number;
    readonly resumeBufferBytes: number;
    readonly resumeMemoryBytes: number;
    readonly resumeMaxDetached: number;
    readonly idempotencyBufferBytes: number;
    readonly idempotencyMemoryBytes: number;
  };
  /** Milliseconds. */
  readonly timers: {
    readonly connectionLifetimeMs: number;
    /** Begins when the lifetime ends. */
    readonly connectionGraceMs: number;
    /** 0: no connection outlives its socket. */
    readonly resumeGraceMs: number;
    /** 0: idempotency keys are ignored. */
    readonly idempotencyWindowMs: number;
    readonly pingIntervalMs: number;
    /** Longer than `pingIntervalMs`. */
    readonly deadPeerMs: number;
    /** 0: never. */
    readonly keepaliveEventMs: number;
    /** 0: no limit. */
    readonly firstEventTimeoutMs: number;
    /** 0: no limit. */
    readonly stallTimeoutMs: number;
    readonly slowReaderMs: number;
    readonly drainTimeoutMs: number;
  };
  readonly log: {
    readonly level: OptionValues['log-level'];
    readonly format: OptionValues['log-format'];
  };
}

/**
 * The configuration. Flags win over the environment, that over the YAML file, that over the defaults; a list is taken whole
 * from the first that has it. Throws a `UsageError` with one sentence, which never holds a secret.
 */
export function loadConfig(argv: readonly string[], env: NodeJS.ProcessEnv, readFile: ReadFile): Config {
  const folder = process.cwd();
  const given: RawValues = { ...readEnvironment(env, folder), ...readFlags(argv, folder) };
  const file = given.config && readConfigFile(String(parseValue('config', given.config)), readFile);
  const folders = { flags: folder, file: file?.folder ?? folder };
  return toConfig(checkedValues({ ...file?.values, ...given }), file?.engines, folders, env);
}

function checkedValues(raw: RawValues): OptionValues {
  const entries = optionNames.map((name): [string, unknown] => {
    const option = optionOf(name);
    const given = raw[name];
    if (given !== undefined) return [name, parseValue(name, given)];
    return [name, 'repeatable' in option ? [] : option.default];
  });
  return Object.fromEntries(entries) as OptionValues;
}

function toConfig(
  values: OptionValues,
  engines: unknown,
  folders: { readonly flags: string; readonly file: string },
  env: NodeJS.ProcessEnv,
): Config {
  const { upstreams, providers } = toUpstreams(
    {
      urls: values.upstream,
      keys: values['upstream-api-key'],
      tokenizers: values['upstream-tokenizer'],
      providers: values.provider,
      engines,
      folders,
    },
    env,
  );
  const scripted = values.scripted === null ? null : { workload: values.scripted, rate: values['scripted-rate'] };
  const named = values.model.length + upstreams.length + providers.length > 0 || scripted !== null;
  const apiKeys = toApiKeys(values['api-key'], env);
  if (apiKeys.length === 0 && !isLoopback(values.host)) {
    throw new UsageError(
      `Listening on ${values.host} lets others in, so it needs a key: add --api-key NAME=SECRET, or keep --host on 127.0.0.1.`,
    );
  }
  if (values['dead-peer-ms'] <= values['ping-interval-ms']) {
    throw new UsageError('dead-peer-ms must be longer than ping-interval-ms, or every connection would count as dead.');
  }
  return {
    listen: {
      host: values.host,
      port: values.port,
      websocket: values.websocket,
      allowedOrigins: values['allow-origin'].map(toOrigin),
      subprotocolKeys: values['subprotocol-keys'],
    },
    metrics: {
      listen: values['metrics-address'] === null ? null : toListenAddress('metrics-address', values['metrics-address']),
      byProject: values['metrics-projects'],
    },
    engines: {
      models: named ? values.model : [demoModel],
      embedded: {
        seed: values.seed === 'random' ? null : values.seed,
        spillBudgetBytes: values['kv-spill-bytes'],
      },
      upstreams,
      providers,
      scripted,
    },
    apiKeys,
    sealingKeys: toSealingKeys(values['sealing-key'], env),
    store: {
      kind: values.store,
      dataPath: values.data ?? envPaths('longwire', { suffix: '' }).data,
      zeroRetention: values['zero-retention'],
      zeroRetentionProjects: values['zero-retention-project'],
      retentionDays: values['retention-days'],
      maxResponses: values['max-stored-responses'],
      maxBytes: values['max-stored-bytes'],
    },
    limits: {
      maxFrameBytes: values['max-frame-bytes'],
      outboundLimitBytes: values['outbound-limit-bytes'],
      maxLanes: values['max-lanes'],
      maxInFlight: values['max-in-flight'],
      maxQueued: values['max-queued'],
      maxPendingSteers: values['max-pending-steers'],
      maxBackground: values['max-background'],
      resumeBufferBytes: values['resume-buffer-bytes'],
      resumeMemoryBytes: values['resume-memory-bytes'],
      resumeMaxDetached: values['resume-max-detached'],
      idempotencyBufferBytes: values['idempotency-buffer-bytes'],
      idempotencyMemoryBytes: values['idempotency-memory-bytes'],
    },
    timers: {
      connectionLifetimeMs: values['connection-lifetime-ms'],
      connectionGraceMs: values['connection-grace-ms'],
      resumeGraceMs: values['resume-grace-ms'],
      idempotencyWindowMs: values['idempotency-window-ms'],
      pingIntervalMs: values['ping-interval-ms'],
      deadPeerMs: values['dead-peer-ms'],
      keepaliveEventMs: values['keepalive-event-ms'],
      firstEventTimeoutMs: values['first-event-timeout-ms'],
      stallTimeoutMs: values['stall-timeout-ms'],
      slowReaderMs: values['slow-reader-ms'],
      drainTimeoutMs: values['drain-timeout-ms'],
    },
    log: { level: values['log-level'], format: values['log-format'] },
  };
}
