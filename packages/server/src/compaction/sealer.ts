/**
 * Sealed contents: what a client keeps for the server and cannot read (dossier H.2).
 *
 * `lw1_` and, in base64url: key id (8 bytes), IV (12), tag (16), then JSON under AES-256-GCM. Project and model stand inside,
 * so that an item which is whole but somebody else's can be told from a damaged one.
 */
import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from 'node:crypto';
import { keyIdBytes, type SealingKeys } from './sealing-keys.ts';

/** What a sealed content belongs to: it opens for the same project and the same model only. */
export interface Binding {
  readonly project: string;
  readonly model: string;
}

/** What was sealed: an item of one kind does not open as another. */
export type SealedKind = 'compaction' | 'reasoning';

/**
 * Why a content did not open. `unknown`: not sealed by this server, or with a key that it has no more; `damaged`: cut or changed;
 * `project`, `model`: whole, but another's.
 */
export type UnopenableReason = 'unknown' | 'damaged' | 'project' | 'model';

/** An opened content, or why there is none. */
export type Opened =
  | { readonly ok: true; readonly content: unknown }
  | { readonly ok: false; readonly reason: UnopenableReason };

const prefix = 'lw1_';
const cipher = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;
const headBytes = keyIdBytes + ivBytes + tagBytes;

interface Sealed extends Binding {
  readonly content: unknown;
}

/** Seals and opens with a server's keys. */
export class Sealer {
  readonly #keys: SealingKeys;

  constructor(keys: SealingKeys) {
    this.#keys = keys;
  }

  /** A content as an opaque string. `content` is JSON. Throws `server_error` where there is no key. */
  seal(kind: SealedKind, { project, model }: Binding, content: unknown): string {
    const key = this.#keys.current;
    const iv = randomBytes(ivBytes);
    const sealing = createCipheriv(cipher, key.secret, iv, { authTagLength: tagBytes });
    sealing.setAAD(Buffer.from(kind));
    const sealed: Sealed = { project, model, content };
    const body = Buffer.concat([sealing.update(JSON.stringify(sealed), 'utf8'), sealing.final()]);
    const head = Buffer.concat([Buffer.from(key.id, 'hex'), iv, sealing.getAuthTag()]);
    return prefix + Buffer.concat([head, body]).toString('base64url');
  }

  /** The content of what `seal` made. Throws only where the server's own key file cannot be read. */
  open(kind: SealedKind, binding: Binding, text: string): Opened {
    if (!text.startsWith(prefix)) return { ok: false, reason: 'unknown' };
    const bytes = Buffer.from(text.slice(prefix.length), 'base64url');
    if (bytes.length <= headBytes) return { ok: false, reason: 'damaged' };
    const key = this.#keys.find(bytes.toString('hex', 0, keyIdBytes));
    if (!key) return { ok: false, reason: 'unknown' };
    const sealed = decrypt(kind, key.secret, bytes);
    if (!sealed) return { ok: false, reason: 'damaged' };
    if (sealed.project !== binding.project) return { ok: false, reason: 'project' };
    if (sealed.model !== binding.model) return { ok: false, reason: 'model' };
    return { ok: true, content: sealed.content };
  }
}

/** Null unless every byte is as it was sealed. */
function decrypt(kind: SealedKind, key: KeyObject, bytes: Buffer): Sealed | null {
  const iv = bytes.subarray(keyIdBytes, keyIdBytes + ivBytes);
  const opening = createDecipheriv(cipher, key, iv, { authTagLength: tagBytes });
  opening.setAAD(Buffer.from(kind));
  opening.setAuthTag(bytes.subarray(keyIdBytes + ivBytes, headBytes));
  try {
    const text = Buffer.concat([opening.update(bytes.subarray(headBytes)), opening.final()]).toString('utf8');
    return JSON.parse(text) as Sealed;
  } catch {
    return null;
  }
}
