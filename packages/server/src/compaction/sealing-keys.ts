/** The keys that sealed items are closed and opened with: from the configuration, or made once and kept beside the store. */
import { createHash, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errors } from '@longwire/protocol';

/** Bytes of a key: AES-256. */
const sealingKeyBytes = 32;
/** Bytes of the id by which a sealed item names its key. */
export const keyIdBytes = 8;

/** A key, and the id that stands in every item it sealed. */
export interface SealingKey {
  /** Hexadecimal. */
  readonly id: string;
  /** Ready for use: raw bytes would be prepared anew for every item, which costs more than the sealing. */
  readonly secret: KeyObject;
}

/** Where keys come from. */
export interface SealingKeySource {
  /** In base64, 32 bytes each: the first seals, all of them open. */
  readonly given: readonly string[];
  /** The file that is read, or written with one new key, where none is given. Absolute. */
  readonly path: string;
}

/** All keys of a server. The file is touched when the first item is sealed or opened, and not before. */
export class SealingKeys {
  readonly #source: SealingKeySource;
  #keys: readonly [SealingKey, ...SealingKey[]] | null = null;

  constructor(source: SealingKeySource) {
    this.#source = source;
  }

  /** The key that seals. Throws `server_error` where the file cannot be read or made. */
  get current(): SealingKey {
    return this.#load()[0];
  }

  /** The key of this id, null where the server does not have it. Throws as `current` does. */
  find(id: string): SealingKey | null {
    return this.#load().find((key) => key.id === id) ?? null;
  }

  #load(): readonly [SealingKey, ...SealingKey[]] {
    if (this.#keys) return this.#keys;
    const { given, path } = this.#source;
    const texts = given.length > 0 ? given : readOrMakeFile(path);
    const [first, ...others] = texts.map((text) => toSealingKey(Buffer.from(text, 'base64')));
    if (!first) throw errors.serverError(new Error(`${path} holds no key.`));
    this.#keys = [first, ...others];
    return this.#keys;
  }
}

/** The id says which key it is and nothing about it. */
function toSealingKey(bytes: Uint8Array): SealingKey {
  const id = createHash('sha256').update('longwire sealing key').update(bytes).digest('hex');
  return { id: id.slice(0, keyIdBytes * 2), secret: createSecretKey(bytes) };
}

function readOrMakeFile(path: string): string[] {
  try {
    return parseFile(path, readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw errors.serverError(error);
  }
  try {
    return parseFile(path, makeFile(path));
  } catch (error) {
    throw errors.serverError(error);
  }
}

/** One key a line, the sealing one first; lines that begin with # are for people. Errors show no line. */
function parseFile(path: string, text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.flatMap((line, index) => {
    if (line === '' || line.startsWith('#')) return [];
    if (Buffer.from(line, 'base64').length === sealingKeyBytes) return [line];
    throw new Error(`${path}: line ${index + 1} is not a key of ${sealingKeyBytes} bytes in base64.`);
  });
}

/** Writes a new key for its owner only, and returns what the file then holds: another process may have been first. */
function makeFile(path: string): string {
  const text = [
    '# Seals compaction and reasoning items. Whoever has it can read them; without it they are lost.',
    '# To change it, put a new key on the first line and keep the old ones below: they still open.',
    randomBytes(sealingKeyBytes).toString('base64'),
    '',
  ].join('\n');
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const whole = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(whole, text, { mode: 0o600, flag: 'wx' });
  try {
    // A link appears whole or not at all, and never over a file that is there.
    linkSync(whole, path);
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return readFileSync(path, 'utf8');
  } finally {
    unlinkSync(whole);
  }
}
