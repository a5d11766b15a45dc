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
}

/** Tells requests with a known key from others. */
export interface Keyring {
  /** `header` is the request's `Authorization`. Null when it holds no known key. */
  authenticate(header: string | undefined): Identity | null;
}

const openIdentity: Identity = { project: 'default' };

/** The key as it may be kept. */
export function createApiKey(project: string, secret: string): ApiKey {
  return { project, sha256: hash(secret) };
}

/** A keyring; without any key everyone is project `default`. */
export function createKeyring(keys: readonly ApiKey[]): Keyring {
  if (keys.length === 0) return { authenticate: () => openIdentity };
  const known = keys.map(({ project, sha256 }) => ({ identity: { project }, sha256 }));

  return {
    authenticate(header) {
      const secret = /^bearer +(\S+) *$/i.exec(header ?? '')?.[1];
      if (secret === undefined) return null;
      const given = hash(secret);
      let found: Identity | null = null;
      // All of them, even after a match: the time taken tells nothing about which key it was.
      for (const { identity, sha256 } of known) if (timingSafeEqual(given, sha256)) found = identity;
      return found;
    },
  };
}

function hash(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest();
}
