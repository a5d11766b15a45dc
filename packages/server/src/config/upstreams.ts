/** The engines that answer elsewhere: servers behind a URL and providers' packages, by flags in short, or at length in YAML. */
import { resolve } from 'node:path';
import {
  chatSettings,
  isMapping,
  llamaServerSettings,
  parseSettings,
  prefixServerSettings,
  providerSettings,
  responsesSettings,
} from './engine-settings.ts';
import type { SettingsOf } from './engine-settings.ts';
import { parseSecretPair, revealed } from './endpoints.ts';
import { Secret } from './secret.ts';
import { suggestionFor } from './suggest.ts';
import { UsageError } from './usage-error.ts';

interface Server {
  /** Unique; given, or the host (and port) of the URL. */
  readonly name: string;
  /** Without a slash at its end. */
  readonly baseUrl: string;
  /** Further servers that are the same to clients. */
  readonly replicaUrls: readonly string[];
  readonly apiKey: Secret | null;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, Secret>>;
}

type Told<Settings> = Omit<Settings, 'apiKey' | 'headers'>;

/** A server to stand in front of. */
export type Upstream =
  | (Server & { readonly kind: 'chat'; readonly settings: Told<SettingsOf<typeof chatSettings>> })
  | (Server & { readonly kind: 'responses'; readonly settings: Told<SettingsOf<typeof responsesSettings>> })
  | (Server & { readonly kind: 'llama-server'; readonly settings: Told<SettingsOf<typeof llamaServerSettings>> })
  | (Server & { readonly kind: 'vllm' | 'sglang'; readonly settings: PrefixServerSettings });

/** `tokenizer` is absolute. */
type PrefixServerSettings = Told<SettingsOf<typeof prefixServerSettings>>;

/** A package of the Vercel AI SDK to answer with. */
export interface Provider {
  readonly name: string;
  readonly package: string;
  /** The function that creates the provider, where the package exports several. */
  readonly exportName?: string;
  /** At least one. */
  readonly models: readonly string[];
  /** What the package is created with, as JSON: it may hold keys. */
  readonly settings: Secret | null;
  readonly providerOptions: Readonly<Record<string, unknown>> | null;
  readonly lateSystemRole?: 'system' | 'user';
  readonly maxConcurrent?: number;
  readonly maxWaiting?: number;
}

/** Engines as they were given. */
export interface GivenUpstreams {
  /** `[NAME=][KIND+]URL`. */
  readonly urls: readonly string[];
  /** `NAME=KEY`. */
  readonly keys: readonly string[];
  /** `NAME=PACKAGE#MODEL`. */
  readonly providers: readonly string[];
  /** `NAME=FOLDER`. */
  readonly tokenizers: readonly string[];
  /** `engines:` of the YAML file; undefined without one. */
  readonly engines: unknown;
  /** Where relative paths of flags and of the YAML file begin. */
  readonly folders: { readonly flags: string; readonly file: string };
}

/** All engines that answer elsewhere. Throws a `UsageError`, which quotes no key. */
export function toUpstreams(
  given: GivenUpstreams,
  env: NodeJS.ProcessEnv,
): { readonly upstreams: readonly Upstream[]; readonly providers: readonly Provider[] } {
  const keys = new Map<string, Secret>();
  for (const pair of given.keys) {
    const { name, secret } = parseSecretPair('upstream-api-key', pair, env);
    if (keys.has(name)) throw new UsageError(`upstream-api-key has two keys for ${name}.`);
    keys.set(name, new Secret(secret));
  }
  const tokenizers = new Map(given.tokenizers.map((value) => parseTokenizer(value, given.folders.flags)));
  const upstreams: Upstream[] = given.urls.map((value): Upstream => {
    const { name, kind, baseUrl } = parseUpstream(value);
    const server = { name, baseUrl, replicaUrls: [], apiKey: keys.get(name) ?? null, headers: {} };
    const tokenizer = tokenizers.get(name);
    if (tokenizer !== undefined && isPrefixServer(kind)) return { ...server, kind, settings: { tokenizer } };
    return { ...server, kind, settings: {} };
  });
  const providers: Provider[] = given.providers.map((value) => {
    const provider = parseProvider(value);
    const apiKey = keys.get(provider.name);
    return { ...provider, settings: apiKey ? toHidden({ apiKey: apiKey.reveal() }) : null };
  });
  for (const [name, value] of Object.entries(toMapping(given.engines))) {
    const engine = parseEngine(name, value, keys.get(name) ?? null, given.folders.file, env);
    if ('package' in engine) providers.push(engine);
    else upstreams.push(engine);
  }
  checkNames(
    [...upstreams, ...providers].map(({ name }) => name),
    [...keys.keys()],
  );
  checkTokenizers([...tokenizers.keys()], upstreams);
  return { upstreams, providers };
}

const namePattern = /^[A-Za-z0-9_.:[\]-]{1,64}$/;
const prefixes = ['chat', 'responses', 'llama-server', 'vllm', 'sglang'] as const satisfies readonly Upstream['kind'][];

function checkNames(names: readonly string[], keyNames: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new UsageError(`Two upstreams have the name ${twice}: tell them apart with --upstream NAME=URL.`);
  }
  const stray = keyNames.find((name) => !names.includes(name));
  if (stray !== undefined) {
    throw new UsageError(`upstream-api-key names ${stray}, which is no upstream.${suggestionFor(stray, names)}`);
  }
}

function checkTokenizers(names: readonly string[], upstreams: readonly Upstream[]): void {
  const takers = upstreams.filter(({ kind }) => isPrefixServer(kind)).map(({ name }) => name);
  const stray = names.find((name) => !takers.includes(name));
  if (stray === undefined) return;
  throw new UsageError(
    `upstream-tokenizer names ${stray}, which is no upstream of vLLM or SGLang.${suggestionFor(stray, takers)}`,
  );
}

function isPrefixServer(kind: Upstream['kind']): kind is 'vllm' | 'sglang' {
  return kind === 'vllm' || kind === 'sglang';
}

function parseTokenizer(value: string, folder: string): [name: string, path: string] {
  const [, name = '', path = ''] = /^([^=]+)=(.+)$/s.exec(value) ?? [];
  if (path === '') throw new UsageError('Invalid value for upstream-tokenizer: expected NAME=FOLDER.');
  return [name, resolve(folder, path)];
}

function parseUpstream(value: string): Pick<Upstream, 'name' | 'kind' | 'baseUrl'> {
  const [, given, prefix, address = ''] = /^(?:([^=/]*)=)?(?:([a-z-]+)\+)?(.*)$/s.exec(value) ?? [];
  const kind = prefix === undefined ? 'chat' : prefixes.find((each) => each === prefix);
  if (!kind) throw new UsageError(`Invalid value for upstream: the kinds of servers are ${prefixes.join(', ')}.`);
  const { baseUrl, host } = parseBaseUrl(address, 'upstream: expected [NAME=]URL, such as http://127.0.0.1:8080/v1');
  const name = given ?? host;
  checkName(name);
  return { name, kind, baseUrl };
}

/** `wanted` completes "Invalid value for …". */
function parseBaseUrl(address: string, wanted: string): { baseUrl: string; host: string } {
  const url = URL.parse(address);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.host === '') {
    throw new UsageError(`Invalid value for ${wanted}.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('The URL of an upstream must not hold a password: use upstream-api-key.');
  }
  if (url.search !== '' || url.hash !== '') {
    throw new UsageError(`The URL of the upstream ${url.host} must end with its path, such as /v1.`);
  }
  return { baseUrl: url.href.replace(/\/+$/, ''), host: url.host };
}

function checkName(name: string): void {
  if (namePattern.test(name)) return;
  throw new UsageError('The name of an upstream has 1 to 64 letters, digits, dots, hyphens, underscores or colons.');
}

function parseProvider(value: string): Omit<Provider, 'settings'> {
  const [, name = '', address = ''] = /^([^=]*)=(.*)$/s.exec(value) ?? [];
  const [packageName = '', ...models] = address.split('#');
  if (packageName === '' || models.length === 0 || models.includes('')) {
    throw new UsageError(
      'Invalid value for provider: expected NAME=PACKAGE#MODEL, such as anthropic=@ai-sdk/anthropic#claude-sonnet-4-5.',
    );
  }
  checkName(name);
  return { name, package: packageName, models, providerOptions: null };
}

function toMapping(value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (!isMapping(value)) throw new UsageError('engines must be a mapping of names, each with its settings.');
  return value;
}

function parseEngine(
  name: string,
  value: unknown,
  flagKey: Secret | null,
  folder: string,
  env: NodeJS.ProcessEnv,
): Upstream | Provider {
  checkName(name);
  const source = `engines.${name}`;
  const {
    kind: word = 'chat',
    url,
    ...given
  }: Readonly<Record<string, unknown>> = isMapping(value) ? value : { url: value };
  if (word === 'provider') return toProvider(name, given, source, env);
  const kind = prefixes.find((each) => each === word);
  if (kind === undefined) {
    throw new UsageError(`Invalid value for kind in ${source}: expected one of ${prefixes.join(', ')}, provider.`);
  }
  const addresses: unknown[] = Array.isArray(url) ? url : [url];
  const [baseUrl, ...replicaUrls] = addresses.map((address) => {
    const wanted = `url in ${source}: expected a URL, such as http://127.0.0.1:8080/v1, or a list of them`;
    return parseBaseUrl(typeof address === 'string' ? address : '', wanted).baseUrl;
  });
  if (baseUrl === undefined) throw new UsageError(`Invalid value for url in ${source}: expected at least one URL.`);

  const server = (own: { readonly apiKey?: string; readonly headers?: Readonly<Record<string, string>> }): Server => ({
    name,
    baseUrl,
    replicaUrls,
    apiKey: own.apiKey === undefined ? flagKey : new Secret(revealed(own.apiKey, `api-key in ${source}`, env)),
    headers: Object.fromEntries(
      Object.entries(own.headers ?? {}).map(([header, text]) => [
        header,
        new Secret(revealed(text, `headers in ${source}`, env)),
      ]),
    ),
  });
  switch (kind) {
    case 'chat': {
      const { apiKey, headers, ...settings } = parseSettings(chatSettings, given, source);
      return { ...server({ apiKey, headers }), kind, settings };
    }
    case 'responses': {
      const { apiKey, headers, ...settings } = parseSettings(responsesSettings, given, source);
      return { ...server({ apiKey, headers }), kind, settings };
    }
    case 'llama-server': {
      const { apiKey, headers, ...settings } = parseSettings(llamaServerSettings, given, source);
      return { ...server({ apiKey, headers }), kind, settings };
    }
    case 'vllm':
    case 'sglang': {
      const { apiKey, headers, tokenizer, ...settings } = parseSettings(prefixServerSettings, given, source);
      const path = tokenizer === undefined ? {} : { tokenizer: resolve(folder, tokenizer) };
      return { ...server({ apiKey, headers }), kind, settings: { ...settings, ...path } };
    }
  }
}

function toProvider(
  name: string,
  given: Readonly<Record<string, unknown>>,
  source: string,
  env: NodeJS.ProcessEnv,
): Provider {
  const {
    package: packageName,
    models,
    export: exportName,
    settings,
    providerOptions,
    ...others
  } = parseSettings(providerSettings, given, source);
  if (packageName === undefined) throw new UsageError(`${source} needs package, such as @ai-sdk/anthropic.`);
  if (models === undefined) throw new UsageError(`${source} needs models: a provider's package does not list them.`);
  return {
    name,
    package: packageName,
    exportName,
    models,
    settings: settings ? toHidden(revealedDeeply(settings, `settings in ${source}`, env)) : null,
    providerOptions: providerOptions ?? null,
    ...others,
  };
}

function toHidden(settings: unknown): Secret {
  return new Secret(JSON.stringify(settings));
}

function revealedDeeply(value: unknown, source: string, env: NodeJS.ProcessEnv): unknown {
  if (typeof value === 'string') return revealed(value, source, env);
  if (Array.isArray(value)) return value.map((each) => revealedDeeply(each, source, env));
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, revealedDeeply(each, source, env)]));
}
