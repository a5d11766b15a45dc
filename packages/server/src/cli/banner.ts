/** What `longwire serve` prints when it is ready. */
import { demoModel } from '../config/options.ts';
import type { Config } from '../config/config.ts';
import type { EngineModel } from '../engine/engine.ts';
import { version } from './version.ts';

/** What the banner tells. */
export interface BannerFacts {
  /** Base URL of the API, such as `http://127.0.0.1:8787/v1`. */
  readonly url: string;
  readonly models: readonly EngineModel[];
  /** Null where none were asked for. */
  readonly metricsUrl: string | null;
  readonly config: Config;
  readonly startedInMs: number;
}

/** The variable that Codex reads the key from: not `LONGWIRE_…`, which this server would take for an option. */
const codexKeyVariable = 'CODEX_LONGWIRE_KEY';

/** The banner, ready to print. Holds no secret. */
export function renderBanner(facts: BannerFacts): string {
  const { config, models } = facts;
  const baseUrl = toReachable(facts.url);
  const rows: [string, string][] = [
    ['HTTP', `${baseUrl}/responses`],
    ['WebSocket', config.listen.websocket ? `${baseUrl.replace('http', 'ws')}/responses` : 'off'],
    ...modelRows(models),
    ['Store', storeText(config)],
    ['Keys', keysText(config)],
    ...(facts.metricsUrl === null ? [] : [['Metrics', facts.metricsUrl] satisfies [string, string]]),
  ];
  return [
    '',
    `Longwire ${version}, ready in ${facts.startedInMs} ms`,
    '',
    ...rows.map(([label, text]) => `  ${label.padEnd(11)}${text}`.trimEnd()),
    ...demoLines(config),
    '',
    'For Codex, in ~/.codex/config.toml:',
    '',
    renderCodexConfig(baseUrl, models[0]?.id ?? 'MODEL', config),
    '',
  ].join('\n');
}

/** Codex' own configuration for this server. */
function renderCodexConfig(baseUrl: string, model: string, config: Config): string {
  // JSON strings are TOML strings.
  const keyLine = config.apiKeys.length > 0 ? [`env_key = ${JSON.stringify(codexKeyVariable)}`] : [];
  return [
    `model = ${JSON.stringify(model)}`,
    'model_provider = "longwire"',
    '',
    '[model_providers.longwire]',
    'name = "longwire"',
    `base_url = ${JSON.stringify(baseUrl)}`,
    'wire_api = "responses"',
    ...keyLine,
    `supports_websockets = ${config.listen.websocket}`,
    '',
    '[analytics]',
    'enabled = false',
    '',
  ].join('\n');
}

function modelRows(models: readonly EngineModel[]): [string, string][] {
  if (models.length === 0) return [['Models', 'none now: the upstream does not answer yet']];
  const width = Math.max(...models.map(({ id }) => id.length));
  return models.map(({ id, description }, index) => [
    index === 0 ? 'Models' : '',
    `${id.padEnd(width)}  ${description ?? ''}`.trimEnd(),
  ]);
}

function demoLines(config: Config): string[] {
  if (!config.engines.models.includes(demoModel)) return [];
  return [
    '',
    'The built-in model is a 3.9M-parameter demo for trying the protocol, not an assistant.',
    'Serve a real one with --model FILE.gguf or --upstream URL.',
  ];
}

function storeText({ store }: Config): string {
  if (store.zeroRetention) return 'nothing is written down (zero-retention)';
  switch (store.kind) {
    case 'sqlite':
      return `SQLite in ${store.dataPath}`;
    case 'memory':
      return 'in memory: gone when the server stops';
    case 'off':
      return 'off';
  }
}

function keysText({ apiKeys }: Config): string {
  if (apiKeys.length === 0) return 'none needed: only this machine can connect';
  const projects = [...new Set(apiKeys.map(({ project }) => project))];
  return `needed; projects: ${projects.join(', ')} (Codex takes it from ${codexKeyVariable})`;
}

/** Clients cannot connect to "every address". */
function toReachable(url: string): string {
  return url.replace(/\/\/(0\.0\.0\.0|\[::\])/, '//127.0.0.1');
}
