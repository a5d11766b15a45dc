/** Options that name others: upstreams, keys, origins. Errors here never quote a secret. */
import { isIPv4 } from 'node:net';
import { createApiKey } from '../auth/keys.ts';
import type { ApiKey } from '../auth/keys.ts';
import { Secret } from './secret.ts';
import { suggestionFor } from './suggest.ts';
import { UsageError } from './usage-error.ts';

/** A chat-completions server to stand in front of. */
export interface Upstream {
  /** Unique; given, or the host (and port) of the URL. */
  readonly name: string;
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly apiKey: Secret | null;
}

const namePattern = /^[A-Za-z0-9_.:[\]-]{1,64}$/;

/** `[NAME=]URL` values with the `NAME=KEY` values that belong to them. */
export function toUpstreams(urls: readonly string[], keys: readonly string[], env: NodeJS.ProcessEnv): Upstream[] {
  const secrets = new Map<string, Secret>();
  for (const pair of keys) {
    const { name, secret } = parseSecretPair('upstream-api-key', pair, env);
    if (secrets.has(name)) throw new UsageError(`upstream-api-key has two keys for ${name}.`);
    secrets.set(name, new Secret(secret));
  }
  const upstreams = urls.map((value): Upstream => {
    const { name, baseUrl } = parseUpstream(value);
    return { name, baseUrl, apiKey: secrets.get(name) ?? null };
  });
  const names = upstreams.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new UsageError(`Two upstreams have the name ${twice}: tell them apart with --upstream NAME=URL.`);
  }
  const stray = [...secrets.keys()].find((name) => !names.includes(name));
  if (stray !== undefined) {
    throw new UsageError(`upstream-api-key names ${stray}, which is no upstream.${suggestionFor(stray, names)}`);
  }
  return upstreams;
}

function parseUpstream(value: string): { name: string; baseUrl: string } {
  const [, given, address = ''] = /^(?:([^=/]*)=)?(.*)$/s.exec(value) ?? [];
  const url = URL.parse(address);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.host === '') {
    throw new UsageError('Invalid value for upstream: expected [NAME=]URL, such as http://127.0.0.1:8080/v1.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('The URL of an upstream must not hold a password: use upstream-api-key.');
  }
  if (url.search !== '' || url.hash !== '') {
    throw new UsageError(`The URL of the upstream ${url.host} must end with its path, such as /v1.`);
  }
  const name = given ?? url.host;
  if (!namePattern.test(name)) {
    throw new UsageError('The name of an upstream has 1 to 64 letters, digits, dots, hyphens, underscores or colons.');
  }
  return { name, baseUrl: url.href.replace(/\/+$/, '') };
}

/** `NAME=SECRET` values as hashed keys. */
export function toApiKeys(pairs: readonly string[], env: NodeJS.ProcessEnv): ApiKey[] {
  const secrets = new Set<string>();
  return pairs.map((pair) => {
    const { name, secret } = parseSecretPair('api-key', pair, env);
    if (secrets.has(secret)) throw new UsageError(`The key of ${name} in api-key is that of another name too.`);
    secrets.add(secret);
    return createApiKey(name, secret);
  });
}

function parseSecretPair(option: string, pair: string, env: NodeJS.ProcessEnv): { name: string; secret: string } {
  const equals = pair.indexOf('=');
  const name = pair.slice(0, Math.max(equals, 0));
  const written = pair.slice(equals + 1);
  // Without the second check a lone key that ends with `=` would be taken for a name, and shown.
  if (!namePattern.test(name) || /^=*$/.test(written)) {
    throw new UsageError(
      `Invalid value for ${option}: expected NAME=KEY, with a name of at most 64 letters, digits, dots, hyphens or underscores.`,
    );
  }
  const variable = /^env:([A-Za-z_]\w*)$/.exec(written)?.[1];
  if (variable !== undefined && !env[variable]) {
    throw new UsageError(
      `${option} takes the key of ${name} from the environment variable ${variable}, which is not set.`,
    );
  }
  const secret = variable === undefined ? written : (env[variable] ?? '');
  // A header carries it: other characters would never arrive.
  if (!/^[\x21-\x7e]+$/.test(secret)) {
    throw new UsageError(`The key of ${name} in ${option} must be printable ASCII without spaces.`);
  }
  return { name, secret };
}

/** A web origin in the form that browsers send. */
export function toOrigin(value: string): string {
  if (value === '*') return value;
  const url = URL.parse(value);
  if (url === null || url.origin === 'null' || url.pathname !== '/' || url.search !== '') {
    throw new UsageError(
      `Invalid value for allow-origin: expected an origin such as https://app.example, or *, but got '${value.slice(0, 64)}'.`,
    );
  }
  return url.origin;
}

/** Whether only programs on this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
