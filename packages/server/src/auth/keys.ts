/** API keys: hashed the moment they are read, compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** A key that opens a project. The key itself is not kept. */
export interface ApiKey {
  /** Owns what requests with this key store. Several keys may open one project. */
  readonly project: string;
  /** SHA-256 of the key. */
  readonly sha256: Uint8Array;
}

/** Who a request comes from. */
export interface Identity {
  readonly project: string;
  /** Which key it was, by its hash; null where no key is needed. */
  readonly key: string | null;
}

/** Tells requests with a known key from others. */
export interface Keyring {
  /** `header` is the request's `Authorization`. Null when it holds no known key. */
  authenticate(header: string | undefined): Identity | null;
  /** Whether an identity of before still holds: long-lived sockets ask again with each request. */
  holds(identity: Identity): boolean;
  /** Takes these keys in place of the former ones. */
  replace(keys: readonly ApiKey[]): void;
}

const openIdentity: Identity = { project: 'default', key: null };

/** The key as it may be kept. */
export function createApiKey(project: string, secret: string): ApiKey {
  return { project, sha256: hash(secret) };
}

interface KnownKey {
  readonly identity: Identity;
  readonly sha256: Uint8Array;
}

/** A keyring; without any key everyone is project `default`. */
export function createKeyring(keys: readonly ApiKey[]): Keyring {
  let known = toKnownKeys(keys);

  return {
    authenticate(header) {
      if (known.size === 0) return openIdentity;
      const secret = /^bearer +(\S+) *$/i.exec(header ?? '')?.[1];
      if (secret === undefined) return null;
      const given = hash(secret);
      let found: Identity | null = null;
      // All of them, even after a match: the time taken tells nothing about which key it was.
      for (const { identity, sha256 } of known.values()) if (timingSafeEqual(given, sha256)) found = identity;
      return found;
    },
    holds({ project, key }) {
      if (key === null) return known.size === 0;
      return known.get(key)?.identity.project === project;
    },
    replace(newKeys) {
      known = toKnownKeys(newKeys);
    },
  };
}

function toKnownKeys(keys: readonly ApiKey[]): ReadonlyMap<string, KnownKey> {
  return new Map(
    keys.map(({ project, sha256 }) => {
      const key = Buffer.from(sha256).toString('hex');
      return [key, { identity: { project, key }, sha256 }];
    }),
  );
}

function hash(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest();
}
