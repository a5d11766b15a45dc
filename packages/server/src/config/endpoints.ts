/** Options that name others: keys, origins. Errors here never quote a secret. */
import { isIPv4, isIPv6 } from 'node:net';
import { createApiKey } from '../auth/keys.ts';
import type { ApiKey } from '../auth/keys.ts';
import { Secret } from './secret.ts';
import { UsageError } from './usage-error.ts';

const namePattern = /^[A-Za-z0-9_.:[\]-]{1,64}$/;

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

/** Sealing keys, checked for their length. */
export function toSealingKeys(values: readonly string[], env: NodeJS.ProcessEnv): Secret[] {
  return values.map((written) => {
    const variable = /^env:([A-Za-z_]\w*)$/.exec(written)?.[1];
    const key = variable === undefined ? written : (env[variable] ?? '');
    if (Buffer.from(key, 'base64').length !== 32) {
      throw new UsageError(
        `Invalid value for sealing-key: expected 32 bytes in base64, as "openssl rand -base64 32" prints them, or env:VARIABLE.`,
      );
    }
    return new Secret(key);
  });
}

/** A `NAME=SECRET` value; the secret may be env:VARIABLE. */
export function parseSecretPair(
  option: string,
  pair: string,
  env: NodeJS.ProcessEnv,
): { name: string; secret: string } {
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

/** A text as it was written, or of the environment variable that it names as env:VARIABLE. `source` names it in errors. */
export function revealed(written: string, source: string, env: NodeJS.ProcessEnv): string {
  const variable = /^env:([A-Za-z_]\w*)$/.exec(written)?.[1];
  if (variable === undefined) return written;
  const value = env[variable];
  if (!value) throw new UsageError(`${source} is taken from the environment variable ${variable}, which is not set.`);
  return value;
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

/** An address to listen on; a port alone is one of loopback. IPv6 stands in brackets. */
export function toListenAddress(option: string, value: string): { readonly host: string; readonly port: number } {
  const {
    v6,
    name,
    port = '',
  } = /^(?:(?:\[(?<v6>[^\]]*)\]|(?<name>[^:[\]\s]+)):)?(?<port>\d{1,5})$/.exec(value)?.groups ?? {};
  if (port === '' || Number(port) > 65_535 || (v6 !== undefined && !isIPv6(v6))) {
    throw new UsageError(
      `Invalid value for ${option}: expected [HOST:]PORT, such as 127.0.0.1:9464, but got '${value.slice(0, 64)}'.`,
    );
  }
  return { host: v6 ?? name ?? '127.0.0.1', port: Number(port) };
}

/** Whether only programs on this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
